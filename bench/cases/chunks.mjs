// Chunks over stdio: what a byte costs on its way to the disk.
import { createHash, randomBytes } from "node:crypto";
import { beforeName, ofBefore, skippedBefore, targetsOfBefore } from "../lib/before.mjs";
import { main, peer } from "../lib/programs.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { KiB, MiB } from "../lib/sizes.mjs";
import { warmMemory } from "../lib/warm-memory.mjs";
import { workFolder } from "../lib/work-folder.mjs";

const rounds = 3;
/** Memory of so many chunks is used by either side beside what is written: lines, what they are decoded to, garbage. */
const heldChunks = 28;

/**
 * Bytes of a chunk, and how many of them a round sends, to all sessions together; `warmUps` of them, to each session,
 * before the clock starts. Of small chunks these are enough for Node to have compiled what they run.
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

/** @typedef {"ours" | "before" | "sdk" | "plain" | "pipe" | "disk"} Subject */
/** @typedef {{ contents: readonly Buffer[], encoding: "base64" | "utf8", inFlight: number, sessions: number, warmUps: number }} Work */

const subjects = [
  "artifacts-mcp",
  "(a) SDK's server and transport",
  "(b) JSON.parse by hand",
  "(c) pipe alone",
  "(d) pipe and disk alone",
  beforeName,
];

/** @param {string} folder */
const optionsOn = (folder) => ["--root", folder, "--log-level", "error", "--max-chunk-bytes", String(32 * MiB)];

/** Of `before`, the path of its program comes in front. @type {Record<Subject, (folder: string, chunkBytes: number) => string[]>} */
const commands = {
  ours: (folder) => [main, ...optionsOn(folder)],
  before: optionsOn,
  sdk: (folder) => [peer("sdk-server.mjs"), folder],
  plain: (folder) => [peer("plain-server.mjs"), folder],
  pipe: () => [peer("pipe.mjs")],
  disk: (folder, chunkBytes) => [peer("disk.mjs"), folder, String(chunkBytes)],
};

/** They answer anything, and are not to be asked for more than answers. @type {ReadonlySet<Subject>} */
const speechless = new Set(["pipe", "disk"]);

/** They speak our tools. @type {ReadonlySet<Subject>} */
const builds = new Set(["ours", "before"]);

/** MB of content a second. @param {Subject} subject @param {Work} work @param {string[]} [program] @returns {Promise<number>} */
function throughput(subject, { contents, encoding, inFlight, sessions, warmUps }, program = []) {
  return workFolder(async (folder) => {
    const chunkBytes = Math.max(...contents.map(({ length }) => length));
    const server = new RawServer([process.execPath, ...program, ...commands[subject](folder, chunkBytes)]);
    if (!speechless.has(subject)) await server.initialize();
    const ids = [];
    for (let n = 0; n < sessions; n += 1) {
      const args = { bucket: "bench", key: `chunks-${n}` };
      ids.push(builds.has(subject) ? (await server.call("create_upload_session", args)).id : `upload-${n}`);
    }
    const messages = uploads(ids, contents, encoding);
    await warmMemory(folder, bytesOf(contents) * sessions + heldChunks * chunkBytes);
    await server.pump(messages.splice(0, warmUps * sessions), inFlight);
    const ms = await millisecondsOf(() => server.pump(messages, inFlight));
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

/** Each content for each session, in turn. @param {readonly string[]} ids @param {readonly Buffer[]} contents @param {Work["encoding"]} encoding */
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

/** What was sent is what is stored. @param {RawServer} server @param {readonly string[]} ids @param {readonly Buffer[]} contents */
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
    // What is behind one another in one call need not be so in several.
    disk: async () => (work.inFlight === 1 ? throughput("disk", work) : Number.NaN),
    before: ofBefore((program) => throughput("before", work, [program])),
  });
  return [found.ours, found.sdk, found.plain, found.pipe, found.disk, found.before];
}

/** Lines of CSV with quoted names: newlines, quotes, and characters that are no ASCII. @param {number} bytes */
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

/** Chunks that are to stay as fast as they were. */
const unchanged = /^(?:1|4|16) MB, one in flight$/;

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  const about =
    "One raw client with prepared messages, so that its own work counts little; one process a round, which has taken hundreds of small chunks, or some large ones, before the clock starts. Ours makes each chunk durable (two syncs, one for small chunks), digests it, and counts it in a row before it answers; (a) and (b) decode and write it, and do none of that; (c) counts lines; (d) writes as many bytes for each, and 4 KB for the row, with a sync each, and does nothing else.";
  const rows = await rowsOf("base64", randomBytes, ways);
  const texts = await rowsOf("utf8", textOf, ways.slice(0, 1));
  const targets = wanted.map(([work, against, atLeast]) => {
    const values = rows.find((row) => row.work === work)?.values ?? [];
    const value = ratio("MB/s", values[0], values[against]);
    return { work: `chunks of ${work}`, against: subjects[against] ?? "", value, wanted: { atLeast } };
  });
  const asBefore = rows
    .filter(({ work }) => unchanged.test(work))
    .flatMap(({ work, values }) =>
      targetsOfBefore(`chunks of ${work}`, "MB/s", { ours: values[0], theirs: values.at(-1) }),
    );
  return {
    tables: [
      { title: "Chunks as base64 over stdio", about, unit: "MB/s", subjects, rows },
      {
        title: "Chunks as text over stdio",
        about: "CSV with newlines, quotes and names that are no ASCII.",
        unit: "MB/s",
        subjects,
        rows: texts,
      },
    ],
    targets: [...targets, ...asBefore],
    skipped: skippedBefore,
  };
}
