// What a page of each listing costs in a small and in a large store: first, middle and last page, over stdio.
// Usage: node bench/listing.mjs [artifacts ...]
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import sqlite3 from "sqlite3";
import { main } from "./lib/programs.mjs";
import { median, millisecondsOf } from "./lib/rounds.mjs";

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [1_000, 100_000];
const calls = 41;
/** So that the first listing that is measured is not the one that the compiler learns on. */
const warmUpCalls = 400;

/** Half of the artifacts in one bucket of folders of 100, half in buckets of 50. @param {number} artifacts */
function* keysOf(artifacts) {
  const half = artifacts / 2;
  for (let n = 0; n < half; n += 1) {
    const folder = String(Math.floor(n / 100)).padStart(5, "0");
    yield ["big", `folder-${folder}/data-${String(n).padStart(7, "0")}.csv`];
  }
  for (let n = 0; n < half; n += 1) {
    yield [`bucket-${String(Math.floor(n / 50)).padStart(5, "0")}`, `data-${n % 50}.csv`];
  }
}

/** Rows without content: a listing reads none. @param {string} root @param {number} artifacts */
async function fill(root, artifacts) {
  spawnSync(process.execPath, [main, "--root", root, "--log-level", "error"], { input: "", stdio: "pipe" });
  const database = new sqlite3.Database(join(root, "metadata.sqlite"));
  /** @param {string} sql @param {unknown[]} values @returns {Promise<void>} */
  const run = (sql, values = []) =>
    new Promise((resolve, reject) => database.run(sql, values, (error) => (error ? reject(error) : resolve())));
  await run("BEGIN");
  const insert = database.prepare("INSERT INTO keyv (key, value) VALUES (?, ?)");
  for (const [bucket, key] of keysOf(artifacts)) {
    const session = "0".repeat(32);
    const about = {
      mime_type: "text/csv",
      bytes: 1_000,
      sha256: "0".repeat(64),
      created_at: 1_790_000_000,
      metadata: {},
    };
    const value = { revision: "x", bucket, key, last: 1, versions: [{ version: 1, session, ...about }] };
    insert.run(`artifact:${bucket}:${key}`, JSON.stringify({ value }));
  }
  await new Promise((resolve) => insert.finalize(resolve));
  await run("COMMIT");
  await new Promise((resolve) => database.close(resolve));
}

/** @param {string} root */
async function connect(root) {
  const args = [main, "--root", root, "--log-level", "error"];
  const client = new Client({ name: "bench", version: "0" });
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "inherit" }));
  return client;
}

/** @param {Client} client @param {string} name @param {Record<string, unknown>} args @returns {Promise<any>} */
async function call(client, name, args) {
  const { structuredContent, content } = /** @type {any} */ (await client.callTool({ name, arguments: args }));
  if (structuredContent === undefined) throw new Error(content[0].text);
  return structuredContent;
}

/** The cursors of a listing's pages, undefined for the first. @param {Client} client @param {string} name @param {object} args */
async function cursorsOf(client, name, args) {
  /** @type {(string | undefined)[]} */
  const cursors = [undefined];
  for (;;) {
    const { next_cursor } = await call(client, name, { ...args, cursor: cursors.at(-1) });
    if (next_cursor === undefined) return cursors;
    cursors.push(next_cursor);
  }
}

/** Median milliseconds. @param {() => Promise<unknown>} work */
async function timed(work) {
  const times = [];
  for (let n = 0; n < calls; n += 1) times.push(await millisecondsOf(work));
  return median(times);
}

/** @type {[string, string, Record<string, unknown>][]} */
const listings = [
  ["list_artifacts", "list_artifacts", { bucket: "big" }],
  ["list_artifacts, prefix", "list_artifacts", { bucket: "big", prefix: "folder-0000" }],
  ["list_artifacts, delimiter", "list_artifacts", { bucket: "big", delimiter: "/", limit: 5 }],
  ["list_buckets", "list_buckets", { limit: 5 }],
];

/** @param {number} artifacts @returns {Promise<Map<string, number>>} */
async function measure(artifacts) {
  const root = await mkdtemp(join(tmpdir(), "artifacts-mcp-bench-"));
  try {
    await fill(root, artifacts);
    const client = await connect(root);
    for (let n = 0; n < warmUpCalls; n += 1) await call(client, "list_artifacts", { bucket: "big" });
    const found = new Map();
    for (const [title, name, args] of listings) {
      const cursors = await cursorsOf(client, name, args);
      const pages = { first: cursors[0], middle: cursors[Math.floor(cursors.length / 2)], last: cursors.at(-1) };
      for (const [page, cursor] of Object.entries(pages)) {
        found.set(`${title}: ${page} page`, await timed(() => call(client, name, { ...args, cursor })));
      }
    }
    const key = { bucket: "big", key: "folder-00000/data-0000007.csv" };
    found.set("get_artifact", await timed(() => call(client, "get_artifact", key)));
    await client.close();
    return found;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** @type {Map<string, number>[]} */
const results = [];
for (const size of sizes) results.push(await measure(size));
const [smallest, largest] = [results[0], results.at(-1)];
const row = (/** @type {(string | number)[]} */ cells) => process.stdout.write(`| ${cells.join(" | ")} |\n`);
process.stdout.write(
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}; medians of ${calls} calls in ms\n\n`,
);
row(["listing", ...sizes.map((size) => `${size.toLocaleString("en")} artifacts`), "ratio"]);
row(["---", ...sizes.map(() => "---:"), "---:"]);
for (const title of smallest?.keys() ?? []) {
  const times = results.map((result) => (result.get(title) ?? 0).toFixed(2));
  row([title, ...times, ((largest?.get(title) ?? 0) / (smallest?.get(title) ?? 1)).toFixed(2)]);
}
