// Several servers share one data directory, as when several hosts run.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { main } from "../lib/programs.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { KiB, MiB } from "../lib/sizes.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 3;
const many = 8;
const subjects = [`${many} processes`, "one process", `one process, ${earlierName}`];
const waitSubjects = [`${many} processes`, "one process", `${many} processes, ${earlierName}`];

/** @typedef {{ name: string, bytes: number, calls: number }} Size what each process gets */

const chunks = [
  { name: "chunks of 64 KB", bytes: 64 * KiB, calls: 100 },
  { name: "chunks of 1 MB", bytes: MiB, calls: 30 },
];
const saves = { name: "save_artifact of 10 KB", bytes: 10 * KiB, calls: 100 };

/** @typedef {(server: RawServer, n: number) => Promise<Buffer[]>} Prepare makes the messages for one process */

/** @param {Size} size @returns {Prepare} */
const chunksOf =
  ({ bytes, calls }) =>
  async (server, n) => {
    const { id: session_id } = await server.call("create_upload_session", { bucket: "bench", key: `chunks-${n}` });
    return Array.from({ length: calls }, (_, index) => {
      const data = randomBytes(bytes).toString("base64");
      const args = { session_id, offset: index * bytes, encoding: "base64", data };
      return message("tools/call", { name: "upload_chunk", arguments: args }, index);
    });
  };

/** @param {Size} size @returns {Prepare} */
const savesOf =
  ({ bytes, calls }) =>
  async (_, n) =>
    Array.from({ length: calls }, (_, index) => {
      const content = randomBytes(bytes).toString("base64");
      const args = { bucket: "bench", key: `saved-${n}-${index}`, encoding: "base64", content };
      return message("tools/call", { name: "save_artifact", arguments: args }, index);
    });

/** @typedef {{ processes: number, size: Size, prepare: Prepare }} Work */

/**
 * Returns the MB a second of all processes together.
 *
 * @param {string} program @param {Work} work @param {number[]} [waits] gets the longest wait of any call, in ms
 * @returns {Promise<number>}
 */
function throughput(program, { processes, size: { bytes, calls }, prepare }, waits = []) {
  return withWorkFolder(async (folder) => {
    const args = [program, "--root", join(folder, "store"), "--log-level", "error"];
    const servers = Array.from({ length: processes }, () => new RawServer([process.execPath, ...args]));
    const messages = await Promise.all(
      servers.map(async (server, n) => {
        await server.initialize();
        return prepare(server, n);
      }),
    );
    const ms = await millisecondsOf(() =>
      Promise.all(servers.map((server, n) => server.sendAll(/** @type {Buffer[]} */ (messages[n])))),
    );
    waits.push(Math.max(...servers.map(({ longestMs }) => longestMs)));
    await Promise.all(servers.map((server) => server.close()));
    return (bytes * calls * processes) / 1e6 / (ms / 1e3);
  });
}

/** @param {Omit<Work, "processes">} work */
async function compare(work) {
  /** @type {Record<"eight" | "one" | "eightEarlier", number[]>} */
  const waits = { eight: [], one: [], eightEarlier: [] };
  const found = await medians(rounds, {
    eight: () => throughput(main, { ...work, processes: many }, waits.eight),
    one: () => throughput(main, { ...work, processes: 1 }, waits.one),
    oneEarlier: onEarlier((program) => throughput(program, { ...work, processes: 1 })),
    // Only for the waits.
    eightEarlier: onEarlier((program) => throughput(program, { ...work, processes: many }, waits.eightEarlier)),
  });
  return {
    speed: [found.eight, found.one, found.oneEarlier],
    waits: [waits.eight, waits.one, waits.eightEarlier].map((all) =>
      all.length === 0 ? Number.NaN : Math.max(...all),
    ),
  };
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  const works = [
    ...chunks.map((size) => ({ size, prepare: chunksOf(size) })),
    { size: saves, prepare: savesOf(saves) },
  ];
  const rows = [];
  const waits = [];
  for (const work of works) {
    const found = await compare(work);
    rows.push({ work: work.size.name, values: found.speed });
    waits.push({ work: work.size.name, values: found.waits });
  }
  const [saved, , savedEarlier] = rows.at(-1)?.values ?? [];
  const about =
    "Each process serves its own client, with one request in flight. The throughput is that of all processes together.";
  return {
    tables: [
      { title: "Several processes on one directory", about, unit: "MB/s", subjects, rows },
      {
        title: "The worst wait of any call",
        about: "In the same runs, over all processes and rounds.",
        unit: "ms",
        subjects: waitSubjects,
        rows: waits,
      },
    ],
    targets: targetsAgainstEarlier(`${saves.name}, ${many} processes against one`, "MB/s", {
      ours: saved,
      theirs: savedEarlier,
      atLeast: 4,
    }),
    skipped: skippedEarlier,
  };
}
