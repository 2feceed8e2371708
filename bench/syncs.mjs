// Counts with strace how often the built server syncs to the disk, for each kind of call. Measures no time.
// Usage: node bench/syncs.mjs [calls]   the calls of each kind; 50 by default, after as many to warm up
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isInstalled } from "./lib/commands.mjs";
import { main } from "./lib/programs.mjs";
import { RawServer } from "./lib/raw-server.mjs";
import { KiB } from "./lib/sizes.mjs";
import { withWorkFolder } from "./lib/work-folder.mjs";

const calls = Number(process.argv[2] ?? 50);
const bucket = "bench";
/** The wait after the calls: work that the server does a moment later, for all calls together, is counted too. */
const restMs = 1_500;

/** @param {number} bytes */
const content = (bytes) => ({ encoding: "base64", content: randomBytes(bytes).toString("base64") });
/** @param {string} session_id @param {number} offset @param {number} bytes */
const chunk = (session_id, offset, bytes) => ({
  session_id,
  offset,
  encoding: "base64",
  data: randomBytes(bytes).toString("base64"),
});

/**
 * @typedef {object} Work
 * @property {string} name
 * @property {number} target the most syncs a call
 * @property {((server: RawServer, n: string) => Promise<any>) | undefined} [prepare] its syncs are not counted
 * @property {(server: RawServer, n: string, prepared: any) => Promise<unknown>} act
 */

/** @param {RawServer} server @param {string} key @returns {Promise<string>} */
async function begin(server, key) {
  const { id } = await server.call("create_upload_session", { bucket, key });
  return id;
}

/** @param {number} bytes @returns {Work["prepare"]} */
const saved = (bytes) => (server, n) => server.call("save_artifact", { bucket, key: `gone-${n}`, ...content(bytes) });

/** @type {Work[]} */
const works = [
  {
    name: "save of 10 KB",
    target: 1.1,
    act: (server, n) => server.call("save_artifact", { bucket, key: `saved-${n}`, ...content(10 * KiB) }),
  },
  {
    name: "next chunk of 4 KB",
    target: 1.1,
    async prepare(server, n) {
      const id = await begin(server, `small-${n}`);
      await server.call("upload_chunk", chunk(id, 0, 4 * KiB));
      return id;
    },
    act: (server, _, id) => server.call("upload_chunk", chunk(id, 4 * KiB, 4 * KiB)),
  },
  {
    name: "first chunk, of 80 KB",
    target: 3,
    prepare: (server, n) => begin(server, `large-${n}`),
    act: (server, _, id) => server.call("upload_chunk", chunk(id, 0, 80 * KiB)),
  },
  {
    name: "completion of an upload that is one piece",
    target: 1.1,
    async prepare(server, n) {
      const id = await begin(server, `whole-${n}`);
      await server.call("upload_chunk", chunk(id, 0, 80 * KiB));
      return id;
    },
    act: (server, _, session_id) => server.call("complete_upload_session", { session_id }),
  },
  {
    name: "deletion of 10 KB, in a row",
    target: 1.1,
    prepare: saved(10 * KiB),
    act: (server, n) => server.call("delete_artifact", { bucket, key: `gone-${n}` }),
  },
  {
    name: "deletion of 80 KB, in a file",
    target: 2.2,
    prepare: saved(80 * KiB),
    act: (server, n) => server.call("delete_artifact", { bucket, key: `gone-${n}` }),
  },
];

/** @typedef {{ name: string, target: number, fromMs: number, toMs: number }} Batch */

/** @param {string} root @param {string} trace @returns {Promise<Batch[]>} */
async function record(root, trace) {
  const traced = "trace=openat,fsync,fdatasync,write,writev,pwrite64,pwritev,pwritev2";
  const strace = ["strace", "--seccomp-bpf", "-f", "-qq", "-y", "-ttt", "-s", "0", "-e", traced, "-o", trace];
  const server = new RawServer([...strace, process.execPath, main, "--root", root, "--log-level", "error"]);
  await server.initialize();
  const batches = [];
  for (const { name, target, prepare, act } of works) {
    for (const round of ["warm", "counted"]) {
      const names = Array.from({ length: calls }, (_, n) => `${works.findIndex((w) => w.name === name)}-${round}-${n}`);
      const prepared = [];
      for (const n of names) prepared.push(await prepare?.(server, n));
      await delay(restMs);
      const fromMs = Date.now();
      for (const [at, n] of names.entries()) await act(server, n, prepared[at]);
      await delay(restMs);
      if (round === "counted") batches.push({ name, target, fromMs, toMs: Date.now() });
    }
  }
  await server.close();
  return batches;
}

/** Returns the syncs in a trace: when, and of which kind of file. @param {string} trace @returns {Promise<{ atMs: number, what: string }[]>} */
async function syncsIn(trace) {
  /** Files that were opened with O_DSYNC: each write syncs. @type {Set<string>} */
  const durable = new Set();
  return (await readFile(trace, "utf8")).split("\n").flatMap((line) => {
    const [, seconds, call, path = ""] = /^\d+ +([\d.]+) (\w+)\((?:AT_FDCWD<[^>]*>, "|\d+<)([^">]*)/.exec(line) ?? [];
    if (call === undefined) return [];
    if (call === "openat") {
      const opened = /= \d+<([^>]*)>/.exec(line)?.[1] ?? path;
      if (line.includes("O_DSYNC")) durable.add(opened);
      return [];
    }
    const isSync = call === "fsync" || call === "fdatasync" || durable.has(path);
    return isSync ? [{ atMs: Number(seconds) * 1_000, what: kindOf(path) }] : [];
  });
}

/** @param {string} path */
function kindOf(path) {
  if (path.endsWith("-wal")) return "log";
  if (path.endsWith("metadata.sqlite")) return "database";
  if (/\/content\/[^/]*$/.test(path)) return "folder";
  return path.includes("/content/") ? "piece" : basename(path);
}

if (!isInstalled("strace", "-V")) {
  process.stderr.write("syncs: this needs strace\n");
  process.exit(1);
}
await withWorkFolder(async (folder) => {
  const trace = join(folder, "trace");
  const batches = await record(join(folder, "store"), trace);
  const syncs = await syncsIn(trace);
  process.stdout.write(`| work | syncs a call | target | |\n| --- | ---: | ---: | --- |\n`);
  for (const { name, target, fromMs, toMs } of batches) {
    const found = syncs.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    const kinds = [...new Set(found.map(({ what }) => what))];
    const shares = kinds.map((kind) => [kind, found.filter(({ what }) => what === kind).length / calls]);
    const words = shares.map(([kind, share]) => `${kind} ${Number(share).toFixed(2)}`).join(", ");
    process.stdout.write(`| ${name} | ${(found.length / calls).toFixed(2)} | ${target} | ${words} |\n`);
  }
});
