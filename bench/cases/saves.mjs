// Small artifacts, saved one after the other. Most calls of an agent are like this.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { main } from "../lib/programs.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { KiB } from "../lib/sizes.mjs";
import { warmMemory } from "../lib/warm-memory.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 5;
const warmUps = 4;
const size = { name: "10 KB", bytes: 10 * KiB, saves: 300 };

/** A save of new content under a new key. @param {number} n */
function saveOf(n) {
  const content = randomBytes(size.bytes).toString("base64");
  const args = { bucket: "bench", key: `saved-${n}`, encoding: "base64", content };
  return message("tools/call", { name: "save_artifact", arguments: args }, n);
}

/** MB of content a second. @param {string} program @returns {Promise<number>} */
function throughput(program) {
  return withWorkFolder(async (folder) => {
    const server = new RawServer([process.execPath, program, "--root", join(folder, "store"), "--log-level", "error"]);
    await server.initialize();
    const messages = Array.from({ length: warmUps + size.saves }, (_, n) => saveOf(n));
    await warmMemory(folder, size.bytes * messages.length);
    await server.sendAll(messages.splice(0, warmUps));
    const ms = await millisecondsOf(() => server.sendAll(messages));
    await server.close();
    return (size.bytes * messages.length) / 1e3 / ms;
  });
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  const { ours, earlier } = await medians(rounds, { ours: () => throughput(main), earlier: onEarlier(throughput) });
  const work = `save_artifact of ${size.name}, one in flight`;
  return {
    tables: [
      {
        title: "Small artifacts over stdio",
        about: "Base64, each under a new key. Each is durable and listed before the answer.",
        unit: "MB/s",
        subjects: ["artifacts-mcp", earlierName],
        rows: [{ work, values: [ours, earlier] }],
      },
    ],
    targets: targetsAgainstEarlier(work, "MB/s", { ours, theirs: earlier, atLeast: 5 }),
    skipped: skippedEarlier,
  };
}
