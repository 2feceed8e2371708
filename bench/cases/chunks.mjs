// Chunks over stdio: how fast bytes come from a client to the disk.
import { createHash, randomBytes } from "node:crypto";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { main, peer } from "../lib/programs.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { KiB, MiB } from "../lib/sizes.mjs";
import { warmMemory } from "../lib/warm-memory.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 3;
/** Client and server use memory of about so many chunks, besides what is written: lines, decoded bytes, garbage. */
const heldChunks = 28;

/**
 * `bytes` of a chunk, and how many `chunks` a round sends to all sessions together. Before the clock starts, it sends
 * `warmUps` chunks to each session. Those of small chunks are enough for Node to compile the code that they run.
 */
const sizes = [
  { name: "4 KB", bytes: 4 * KiB, chunks: 800, warmUps: 800 },
  { name: "64 KB", bytes: 64 * KiB, chunks: 400, warmUps: 400 },
  { name: "256 KB", bytes: 256 * KiB, chunks: 160, warmUps: 4 },
  { name: "1 MB", bytes: MiB, chunks: 80, warmUps: 4 },
  { name: "4 MB", bytes: 4 * MiB, chunks: 20, warmUps: 4 },
  { name: "16 MB", bytes: 16 * MiB, chunks: 8, warmUps: 4 },
];

const ways = [
  { name: "one in flight", inFlight: 1, sessions: 1 },
  { name: "four in flight", inFlight: 4, sessions: 1 },
  { name: "four sessions at once", inFlight: 4, sessions: 4 },
];

/** @typedef {"ours" | "earlier" | "sdk" | "plain" | "pipe" | "disk"} Subject */
/** @typedef {{ contents: readonly Buffer[], encoding: "base64" | "utf8", inFlight: number, sessions: number, warmUps: number }} Work */

const subjects = [
  "artifacts-mcp",
  "(a) SDK's server and transport",
  "(b) JSON.parse by hand",
  "(c) pipe alone",
  "(d) pipe and disk alone",
  earlierName,
];

/** @param {string} folder */
const optionsOn = (folder) => ["--root", folder, "--log-level", "error", "--max-chunk-bytes", String(32 * MiB)];

/** The arguments of Node. For `earlier`, the path of its program comes in front. @type {Record<Subject, (folder: string, chunkBytes: number) => string[]>} */
const commands = {
  ours: (folder) => [main, ...optionsOn(folder)],
  earlier: optionsOn,
  sdk: (folder) => [peer("sdk-server.mjs"), folder],
  plain: (folder) => [peer("plain-server.mjs"), folder],
  pipe: () => [peer("pipe.mjs")],
  disk: (folder, chunkBytes) => [peer("disk.mjs"), folder, String(chunkBytes)],
};

/** Subjects that answer any line, and cannot be asked for anything else. @type {ReadonlySet<Subject>} */
const answerAnything = new Set(["pipe", "disk"]);

/** Subjects that have our tools. @type {ReadonlySet<Subject>} */
const builds = new Set(["ours", "earlier"]);

/** MB of content a second. @param {Subject} subject @param {Work} work @param {string[]} [program] @returns {Promise<number>} */
function throughput(subject, { contents, encoding, inFlight, sessions, warmUps }, program = []) {
  return withWorkFolder(async (folder) => {
    const chunkBytes = Math.max(...contents.map(({ length }) => length));
    const server = new RawServer([process.execPath, ...program, ...commands[subject](folder, chunkBytes)]);
    if (!answerAnything.has(subject)) await server.initialize();
    const ids = [];
    for (let n = 0; n < sessions; n += 1) {
      const args = { bucket: "bench", key: `chunks-${n}` };
      ids.push(builds.has(subject) ? (await server.call("create_upload_session", args)).id : `upload-${n}`);
    }
    const messages = uploads(ids, contents, encoding);
    await warmMemory(folder, bytesOf(contents) * sessions + heldChunks * chunkBytes);
    await server.sendAll(messages.splice(0, warmUps * sessions), inFlight);
    const ms = await millisecondsOf(() => server.sendAll(messages, inFlight));
    if (builds.has(subject)) await check(server, ids, contents);
    await server.close();
    const sent = bytesOf(contents.slice(warmUps)) * sessions;
    return sent / 1e6 / (ms / 1e3);
  });
}

/** @param {readonly Buffer[]} contents */
function bytesOf(contents) {
  return contents.reduce((sum, { length }) => sum + length, 0);
}

/** Makes the messages: each content for each session, in turn. @param {readonly string[]} ids @param {readonly Buffer[]} contents @param {Work["encoding"]} encoding */
function uploads(ids, contents, encoding) {
  let offset = 0;
  return contents.flatMap((content, index) => {
    const data = content.toString(encoding);
    const at = offset;
    offset += content.length;
    return ids.map((session_id, n) => {
      const args = { session_id, offset: at, encoding, data };
      return message("tools/call", { name: "upload_chunk", arguments: args }, index * ids.length + n);
    });
  });
}

/** Checks that the store has what was sent. @param {RawServer} server @param {readonly string[]} ids @param {readonly Buffer[]} contents */
async function check(server, ids, contents) {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content);
  const sha256 = hash.digest("hex");
  for (const session_id of ids) await server.call("complete_upload_session", { session_id, sha256 });
}

/** @param {Work} work */
async function compare(work) {
  const found = await medians(rounds, {
    ours: () => throughput("ours", work),
    sdk: () => throughput("sdk", work),
    plain: () => throughput("plain", work),
    pipe: () => throughput("pipe", work),
    // With several calls in flight, a server may write one chunk while it syncs another; (d) does not.
    disk: async () => (work.inFlight === 1 ? throughput("disk", work) : Number.NaN),
    earlier: onEarlier((program) => throughput("earlier", work, [program])),
  });
  return [found.ours, found.sdk, found.plain, found.pipe, found.disk, found.earlier];
}

/** Lines of CSV with newlines, quotes, and characters outside of ASCII. @param {number} bytes */
function textOf(bytes) {
  const lines = [];
  for (let n = 0, length = 0; length < bytes; n += 1) {
    const text = `${n},"Müller, Šárka","${((n * 2_654_435_761) % 1_000_003) / 1e3}",naïve,日本\n`;
    lines.push(text);
    length += Buffer.byteLength(text);
  }
  return Buffer.from(lines.join(""));
}

/** @param {Work["encoding"]} encoding @param {(bytes: number) => Buffer} contentOf @param {typeof ways} wanted */
async function rowsOf(encoding, contentOf, wanted) {
  const rows = [];
  for (const { name, bytes, chunks, warmUps } of sizes) {
    for (const way of wanted) {
      const count = Math.ceil(chunks / way.sessions) + warmUps;
      const contents = Array.from({ length: count }, () => contentOf(bytes));
      rows.push({ work: `${name}, ${way.name}`, values: await compare({ ...way, contents, encoding, warmUps }) });
      process.stderr.write(`bench: ${rows.at(-1)?.work}: ${rows.at(-1)?.values.map(Math.round).join(", ")}\n`);
    }
  }
  return rows;
}

/** @type {[work: string, against: number, atLeast: number][]} */
const wanted = [
  ["4 KB, one in flight", 4, 1],
  ["64 KB, one in flight", 4, 0.9],
  ["64 KB, one in flight", 1, 0.5],
  ["64 KB, four sessions at once", 1, 0.9],
  ["1 MB, one in flight", 1, 2],
  ["1 MB, one in flight", 2, 0.9],
  ["4 MB, one in flight", 1, 5],
  ["4 MB, one in flight", 2, 0.9],
  ["16 MB, one in flight", 1, 15],
  ["16 MB, one in flight", 2, 0.9],
];

/** Rows that must stay as fast as with the earlier build. */
const unchanged = /^(?:1|4|16) MB, one in flight$/;

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  const about =
    "The client sends prepared messages, so its own work takes little time. Each round starts a process, and sends it hundreds of small chunks, or some large ones, before the clock starts. Before it answers, ours makes each chunk durable (two syncs, or one for a small chunk), digests it, and counts it in a row. (a) and (b) only decode and write it. (c) only counts lines. (d) only writes as many bytes, and 4 KB for the row, with a sync for each.";
  const rows = await rowsOf("base64", randomBytes, ways);
  const texts = await rowsOf("utf8", textOf, ways.slice(0, 1));
  const targets = wanted.map(([work, against, atLeast]) => {
    const values = rows.find((row) => row.work === work)?.values ?? [];
    const value = ratio("MB/s", values[0], values[against]);
    return { work: `chunks of ${work}`, against: subjects[against] ?? "", value, wanted: { atLeast } };
  });
  const againstEarlier = rows
    .filter(({ work }) => unchanged.test(work))
    .flatMap(({ work, values }) =>
      targetsAgainstEarlier(`chunks of ${work}`, "MB/s", { ours: values[0], theirs: values.at(-1) }),
    );
  return {
    tables: [
      { title: "Chunks as base64 over stdio", about, unit: "MB/s", subjects, rows },
      {
        title: "Chunks as text over stdio",
        about: "CSV with newlines, quotes, and names outside of ASCII.",
        unit: "MB/s",
        subjects,
        rows: texts,
      },
    ],
    targets: [...targets, ...againstEarlier],
    skipped: skippedEarlier,
  };
}
