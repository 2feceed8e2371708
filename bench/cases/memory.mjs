// How much memory a server takes beyond what it takes idle: the peak that the system has counted.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeName, ofBefore, skippedBefore, targetsOfBefore } from "../lib/before.mjs";
import { main } from "../lib/programs.mjs";
import { receive, send } from "../lib/raw-http.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { median } from "../lib/rounds.mjs";
import { GiB, MiB } from "../lib/sizes.mjs";
import { workFolder } from "../lib/work-folder.mjs";
import { writeRandomFile } from "./files.mjs";

const rounds = 3;
const artifact = { bucket: "bench", key: "big.bin" };
const body = { piece: randomBytes(MiB), times: GiB / MiB };
const chunk = { bytes: 16 * MiB, times: 10 };
const unreadAnswers = 300;

/** MiB, from Linux's own count of a process. @param {number} pid @param {"VmRSS" | "VmHWM"} name */
function memoryOf(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** @typedef {{ server: RawServer, source: string, folder: string }} Place */

/** What it takes, and where it is measured before the end, the peak in MiB. @typedef {(place: Place) => Promise<unknown>} Work */

/** @param {Place} place */
const saveText = ({ server }) =>
  server.call("save_artifact", { ...artifact, mime_type: "text/plain", content: "x".repeat(MiB) });

/** @type {Record<string, { before?: Work, work: Work }>} */
const works = {
  "chunks of 16 MB": { work: ({ server }) => sendChunks(server) },
  "import_file, 1 GiB": { work: ({ server, source }) => importFile(server, source) },
  "export_file, 1 GiB": {
    before: ({ server, source }) => importFile(server, source),
    work: ({ server, folder }) => server.call("export_file", { ...artifact, path: join(folder, "copy") }),
  },
  "HTTP upload, 1 GiB": {
    async work({ server }) {
      const { url } = await server.call("create_upload_session", { ...artifact, size: GiB });
      await send("PUT", url, body);
    },
  },
  "HTTP download, 1 GiB": {
    before: ({ server, source }) => importFile(server, source),
    async work({ server }) {
      const { url } = await server.call("get_artifact", artifact);
      await receive(url, GiB);
    },
  },
  [`${unreadAnswers} answers of 1 MB that nobody reads`]: {
    before: saveText,
    work: ({ server }) => leaveUnread(server),
  },
  "the same, once they are read": {
    before: saveText,
    work: async ({ server }) => void (await leaveUnread(server)),
  },
};

/** @param {RawServer} server @param {string} path */
const importFile = (server, path) => server.call("import_file", { ...artifact, path });

/** @param {RawServer} server */
async function sendChunks(server) {
  const { id: session_id } = await server.call("create_upload_session", artifact);
  for (let n = 0; n < chunk.times; n += 1) {
    const data = randomBytes(chunk.bytes).toString("base64");
    const args = { session_id, offset: n * chunk.bytes, encoding: "base64", data };
    await server.pump([message("tools/call", { name: "upload_chunk", arguments: args }, n)]);
  }
}

/** Asks for all at once, reads nothing until the memory has stopped to grow, and then all of it. @param {RawServer} server @returns {Promise<number>} the peak before it reads */
async function leaveUnread(server) {
  const args = { ...artifact, length: MiB };
  const asked = Array.from({ length: unreadAnswers }, (_, id) =>
    message("tools/call", { name: "read_artifact", arguments: args }, id),
  );
  server.deafen();
  const answered = server.pump(asked, unreadAnswers);
  let peak = memoryOf(server.pid, "VmHWM");
  for (let last = 0; peak > last; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    last = peak;
    peak = memoryOf(server.pid, "VmHWM");
  }
  server.listen();
  await answered;
  return peak;
}

/** Idle, and the peak over it. @param {string} program @param {string} source @param {(typeof works)[string]} what */
function measure(program, source, { before = async () => undefined, work }) {
  return workFolder(async (folder) => {
    const command = [process.execPath, program, "--root", join(folder, "store"), "--log-level", "error"];
    const http = ["--http", "127.0.0.1:0", "--http-token", randomBytes(16).toString("hex")];
    const options = [...http, "--max-chunk-bytes", String(32 * MiB)];
    const allowed = ["--allow-path", join(source, ".."), "--allow-path", folder];
    // What has to be there already is another process's work.
    const first = new RawServer([...command, ...options, ...allowed]);
    await first.initialize();
    await before({ server: first, source, folder });
    await first.close();
    const server = new RawServer([...command, ...options, ...allowed]);
    await server.initialize();
    await server.call("save_artifact", { bucket: "bench", key: "note.txt", content: "hello" });
    const idle = memoryOf(server.pid, "VmRSS");
    const found = await work({ server, source, folder });
    const peak = (typeof found === "number" ? found : memoryOf(server.pid, "VmHWM")) - idle;
    await server.close();
    return { idle, peak };
  });
}

/** @param {{ idle: number, peak: number }} found */
const whole = ({ idle, peak }) => idle + peak;

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export function run() {
  if (process.platform !== "linux") {
    return Promise.resolve({ tables: [], targets: [], skipped: ["memory: only Linux counts a process's peak"] });
  }
  return workFolder(async (folder) => {
    const source = join(folder, "source");
    await writeRandomFile(source);
    const idles = [];
    const rows = [];
    for (const [work, what] of Object.entries(works)) {
      const found = [];
      const before = [];
      for (let round = 0; round < rounds; round += 1) {
        found.push(await measure(main, source, what));
        before.push(await ofBefore(async (program) => whole(await measure(program, source, what)))());
      }
      idles.push(...found.map(({ idle }) => idle));
      rows.push({ work, values: [median(found.map(({ peak }) => peak)), median(found.map(whole)), median(before)] });
    }
    const asBefore = rows.flatMap(({ work, values: [, ours, theirs] }) =>
      targetsOfBefore(`memory: ${work}`, "MiB", { ours, theirs }),
    );
    const targets = rows
      .filter(({ work }) => work.includes("GiB") || work.includes("nobody"))
      .map(({ work, values: [value = Number.NaN] }) => {
        return { work: `memory: ${work}`, against: "idle", value, wanted: { atMost: 64 } };
      });
    const about = `The process's largest resident size during the work, less its size when it has served one call: idle, ${median(idles).toFixed(0)} MiB.`;
    const subjects = ["over idle", "whole", `whole, ${beforeName}`];
    return {
      tables: [{ title: "Memory", about, unit: "MiB", subjects, rows, isUncompared: true }],
      targets: [...targets, ...asBefore],
      skipped: skippedBefore,
    };
  });
}
