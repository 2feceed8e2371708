// How long a host waits for a new process.
import { join } from "node:path";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { filesystemServer, installPeers } from "../lib/peers.mjs";
import { main, peer } from "../lib/programs.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { medians } from "../lib/rounds.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 15;
const subjects = ["artifacts-mcp", "filesystem server", "Node script by hand", earlierName];

/** @typedef {(server: RawServer, folder: string) => Promise<unknown>} Work */

/** @type {Record<string, { ours: Work, filesystem: Work, plain?: Work }>} */
const works = {
  "spawn to initialize": {
    ours: (server) => server.initialize(),
    filesystem: (server) => server.initialize(),
    plain: (server) => server.initialize(),
  },
  "to the first tools/list": {
    ours: (server) => server.initialize().then(() => server.request("tools/list")),
    filesystem: (server) => server.initialize().then(() => server.request("tools/list")),
  },
  "to the first saved artifact": {
    async ours(server) {
      await server.initialize();
      await server.call("save_artifact", { bucket: "bench", key: "note.txt", content: "hello" });
    },
    async filesystem(server, folder) {
      await server.initialize();
      await server.call("write_file", { path: join(folder, "note.txt"), content: "hello" });
    },
  },
};

/** Returns the milliseconds from the spawn until the work is done. @param {(folder: string) => string[]} args @param {Work} work @returns {Promise<number>} */
function timed(args, work) {
  return withWorkFolder(async (folder) => {
    const began = performance.now();
    const server = new RawServer([process.execPath, ...args(folder)]);
    await work(server, folder);
    const ms = performance.now() - began;
    await server.close();
    return ms;
  });
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  await installPeers();
  const rows = [];
  for (const [work, { ours, filesystem, plain }] of Object.entries(works)) {
    const of = (/** @type {string} */ program) =>
      timed((folder) => [program, "--root", join(folder, "store"), "--log-level", "error"], ours);
    const found = await medians(rounds, {
      ours: () => of(main),
      earlier: onEarlier(of),
      filesystem: () => timed((folder) => [filesystemServer, folder], filesystem),
      plain: () => (plain ? timed((folder) => [peer("plain-server.mjs"), folder], plain) : Promise.resolve(Number.NaN)),
    });
    rows.push({ work, values: [found.ours, found.filesystem, found.plain, found.earlier] });
  }
  const [ours = Number.NaN, , plain = Number.NaN] = rows[0]?.values ?? [];
  const about = "Each time a new process on an empty folder. Ours also makes its data directory, durably.";
  return {
    tables: [{ title: "Start", about, unit: "ms", subjects, rows }],
    targets: [
      { work: "spawn to initialize", against: "Node script by hand", value: ours / plain, wanted: { atMost: 1.7 } },
      ...rows.flatMap(({ work, values }) =>
        targetsAgainstEarlier(work, "ms", { ours: values[0], theirs: values.at(-1) }),
      ),
    ],
    skipped: skippedEarlier,
  };
}
