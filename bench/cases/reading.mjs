// Reading content back over stdio.
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { filesystemServer, installPeers } from "../lib/peers.mjs";
import { main } from "../lib/programs.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { medians, millisecondsOf } from "../lib/rounds.mjs";
import { KiB, MiB } from "../lib/sizes.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 5;
const warmUps = 5;
const subjects = ["artifacts-mcp", "filesystem server"];

const sizes = [
  { name: "64 KB", bytes: 64 * KiB, reads: 200 },
  { name: "1 MB", bytes: MiB, reads: 40 },
  { name: "4 MB", bytes: 4 * MiB, reads: 12 },
];

/** Lines of text in ASCII. @param {number} bytes */
const textOf = (bytes) => Buffer.from(randomBytes(bytes).toString("base64").replace(/.{75}/g, "$&\n").slice(0, bytes));

/** @typedef {{ method: string, params: object }} Request */

/**
 * MB of content a second.
 *
 * @param {string[]} args @param {Request} request @param {number} bytes @param {number} reads @param {(server: RawServer) => Promise<unknown>} [prepare]
 */
async function throughput(args, { method, params }, bytes, reads, prepare = async () => undefined) {
  const server = new RawServer([process.execPath, ...args]);
  await server.initialize();
  await prepare(server);
  const messages = Array.from({ length: warmUps + reads }, (_, id) => message(method, params, id));
  const answer = await server.sendAll(messages.splice(0, warmUps));
  if (answer.length < bytes) throw new Error(`${args[0]} answered ${answer.toString("utf8", 0, 300)}`);
  const ms = await millisecondsOf(() => server.sendAll(messages));
  await server.close();
  return (bytes * reads) / 1e6 / (ms / 1e3);
}

/** @param {string} name @param {object} args @returns {Request} */
const tool = (name, args) => ({ method: "tools/call", params: { name, arguments: args } });

/** Returns the requests to our server, by name. @param {string} key @param {number} bytes @returns {[string, Request][]} */
function requestsOf(key, bytes) {
  const resource = { method: "resources/read", params: { uri: `artifact://bench/${key}` } };
  const page = tool("read_artifact", { bucket: "bench", key, offset: 0, length: bytes });
  // The tool answers 1 MiB at most.
  return [
    ["resources/read", resource],
    ...(bytes <= MiB ? [/** @type {[string, Request]} */ (["read_artifact", page])] : []),
  ];
}

const kinds = [
  { kind: "text", key: "a.txt", contentOf: textOf, theirs: "read_text_file" },
  { kind: "bytes", key: "a.bin", contentOf: randomBytes, theirs: "read_media_file" },
];

/** @param {string} folder @param {(typeof sizes)[number]} size @param {(typeof kinds)[number]} kind */
async function compare(folder, { name, bytes, reads }, { kind, key, contentOf, theirs }) {
  const path = join(folder, key);
  await writeFile(path, contentOf(bytes));
  const options = [main, "--root", join(folder, "store"), "--log-level", "error", "--allow-path", folder];
  const save = (/** @type {RawServer} */ server) => server.call("import_file", { path, bucket: "bench", key });
  const rows = [];
  for (const [what, request] of requestsOf(key, bytes)) {
    const found = await medians(rounds, {
      ours: () => throughput(options, request, bytes, reads, save),
      filesystem: () => throughput([filesystemServer, folder], tool(theirs, { path }), bytes, reads),
    });
    rows.push({ work: `${what}, ${name} of ${kind}`, values: [found.ours, found.filesystem] });
  }
  return rows;
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  await installPeers();
  /** @type {import("../lib/report.mjs").Row[]} */
  const rows = [];
  for (const size of sizes) {
    for (const kind of kinds) rows.push(...(await withWorkFolder((folder) => compare(folder, size, kind))));
  }
  const targets = rows
    .filter(({ work }) => /^resources\/read, [14] MB/.test(work))
    .map(({ work, values: [ours, theirs] }) => ({
      work,
      against: "filesystem server",
      value: ratio("MB/s", ours, theirs),
      wanted: { atLeast: 2 },
    }));
  const about =
    "One process reads the same content again and again. Ours checks its digest each time. The filesystem server reads text with read_text_file and bytes with read_media_file.";
  return { tables: [{ title: "Reading back over stdio", about, unit: "MB/s", subjects, rows }], targets };
}
