// Several servers on one data directory, as several hosts make them.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { beforeName, ofBefore, skippedBefore, targetsOfBefore } from "../lib/before.mjs";
import { main } from "../lib/programs.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { KiB, MiB } from "../lib/sizes.mjs";
import { workFolder } from "../lib/work-folder.mjs";

const rounds = 3;
const many = 8;
const subjects = [`${many} processes`, "one process", `one process, ${beforeName}`];
const waitSubjects = [`${many} processes`, "one process", `${many} processes, ${beforeName}`];

/** @typedef {{ name: string, bytes: number, calls: number }} Size what each process sends */

const chunks = [
  { name: "chunks of 64 KB", bytes: 64 * KiB, calls: 100 },
  { name: "chunks of 1 MB", bytes: MiB, calls: 30 },
];
const saves = { name: "save_artifact of 10 KB", bytes: 10 * KiB, calls: 100 };

/** @typedef {(server: RawServer, n: number) => Promise<Buffer[]>} Prepare what one process is sent */

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
 * MB a second, of all together.
 *
 * @param {string} program @param {Work} work @param {number[]} [waits] takes the longest wait of any call, in ms
 * @returns {Promise<number>}
 */
function throughput(program, { processes, size: { bytes, calls }, prepare }, waits = []) {
  return workFolder(async (folder) => {
    const args = [program, "--root", join(folder, "store"), "--log-level", "error"];
    const servers = Array.from({ length: processes }, () => new RawServer([process.execPath, ...args]));
    const messages = await Promise.all(
      servers.map(async (server, n) => {
        await server.initialize();
        return prepare(server, n);
      }),
    );
    const ms = await millisecondsOf(() =>
      Promise.all(servers.map((server, n) => server.pump(/** @type {Buffer[]} */ (messages[n])))),
    );
    waits.push(Math.max(...servers.map(({ longestMs }) => longestMs)));
    await Promise.all(servers.map((server) => server.close()));
    return (bytes * calls * processes) / 1e6 / (ms / 1e3);
  });
}

/** @param {Omit<Work, "processes">} work */
async function compare(work) {
  /** @type {Record<"eight" | "one" | "before", number[]>} */
  const waits = { eight: [], one: [], before: [] };
  const found = await medians(rounds, {
    eight: () => throughput(main, { ...work, processes: many }, waits.eight),
    one: () => throughput(main, { ...work, processes: 1 }, waits.one),
    before: ofBefore((program) => throughput(program, { ...work, processes: 1 })),
    // For the waits alone.
    eightBefore: ofBefore((program) => throughput(program, { ...work, processes: many }, waits.before)),
  });
  return {
    speed: [found.eight, found.one, found.before],
    waits: [waits.eight, waits.one, waits.before].map((all) => (all.length === 0 ? Number.NaN : Math.max(...all))),
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
  const [saved, , savedBefore] = rows.at(-1)?.values ?? [];
  const about = "Each process serves a client of its own, one request in flight. Throughput of all together.";
  return {
    tables: [
      { title: "Several processes on one directory", about, unit: "MB/s", subjects, rows },
      {
        title: "The worst wait of any call",
        about: "In the same runs, of all processes and rounds.",
        unit: "ms",
        subjects: waitSubjects,
        rows: waits,
      },
    ],
    targets: targetsOfBefore(`${saves.name}, ${many} processes against one`, "MB/s", {
      ours: saved,
      theirs: savedBefore,
      atLeast: 4,
    }),
    skipped: skippedBefore,
  };
}
