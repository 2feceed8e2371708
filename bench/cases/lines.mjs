// Lines in the middle of a large text: the first read, which counts all lines, and those after it.
import { spawnSync } from "node:child_process";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isInstalled, runCommand } from "../lib/commands.mjs";
import { main } from "../lib/programs.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { ratio } from "../lib/report.mjs";
import { median, medians, millisecondsOf } from "../lib/rounds.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const rounds = 5;
const laterReads = 20;
const bytes = 1_000_000_000;
const first = 1_000_000;
const subjects = ["artifacts-mcp", "wc -l"];

/** @param {number} line */
const lineOf = (line) => `${line},2026-01-01T00:00:00Z,GET /v1/content/${(line * 2_654_435_761) % 1_000_003},200\n`;

/** Writes lines until there are `bytes` bytes. @param {string} path */
async function writeLines(path) {
  const file = await open(path, "w");
  for (let written = 0, line = 1; written < bytes; ) {
    let text = "";
    for (const end = line + 20_000; line < end; line += 1) text += lineOf(line);
    written += (await file.write(text.slice(0, bytes - written))).bytesWritten;
  }
  await file.sync();
  await file.close();
}

const wanted = { bucket: "bench", key: "big.csv", line: first, lines: 21 };

/** Reads the lines, and checks them. @param {RawServer} server */
async function readLines(server) {
  const result = await server.request("tools/call", { name: "read_artifact", arguments: wanted });
  const expected = Array.from({ length: 21 }, (_, n) => lineOf(first + n)).join("");
  if (!JSON.stringify(result).includes(JSON.stringify(expected.trimEnd()).slice(1, -1))) {
    throw new Error(`read_artifact answered ${JSON.stringify(result).slice(0, 500)}`);
  }
}

/** @template Result @param {string[]} options @param {(server: RawServer) => Promise<Result>} work */
async function withServer(options, work) {
  const server = new RawServer([process.execPath, main, ...options]);
  await server.initialize();
  const result = await work(server);
  await server.close();
  return result;
}

/** The time of `work` on a new server. @param {string[]} options @param {(server: RawServer) => Promise<unknown>} work */
const timed = (options, work) => withServer(options, (server) => millisecondsOf(() => work(server)));

/** The files of the content. @param {string} store */
async function piecesIn(store) {
  const entries = await readdir(join(store, "content"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Puts files into the page cache, or out of it. @param {readonly string[]} files @param {boolean} isCached */
async function prepareCache(files, isCached) {
  for (const file of files) {
    if (isCached) await runCommand("wc", "-l", file);
    else await runCommand("dd", `if=${file}`, "iflag=nocache", "count=0", "status=none");
  }
}

/** Whether `prepareCache` can empty the cache here: GNU dd, and a file system that obeys it. @param {readonly string[]} files */
async function canEmptyCache(files) {
  const words = [`if=${files[0]}`, "iflag=nocache", "count=0", "status=none"];
  if (spawnSync("dd", words, { stdio: "ignore" }).status !== 0) return false;
  const cold = await millisecondsOf(() => runCommand("wc", "-l", ...files));
  const warm = await millisecondsOf(() => runCommand("wc", "-l", ...files));
  return cold > 1.5 * warm;
}

/** @param {string} folder */
async function measure(folder) {
  const path = join(folder, "big.csv");
  await writeLines(path);
  const store = join(folder, "store");
  const options = ["--root", store, "--log-level", "error", "--allow-path", folder];
  await withServer(options, (server) => server.call("import_file", { path, bucket: wanted.bucket, key: wanted.key }));
  await rm(path);
  const files = await piecesIn(store);
  const caches = [{ name: "in the page cache", isCached: true }];
  if (await canEmptyCache(files)) caches.push({ name: "not in the page cache", isCached: false });
  const rows = [];
  for (const { name, isCached } of caches) {
    const found = await medians(rounds, {
      async ours() {
        await rm(join(store, "derived"), { recursive: true, force: true });
        await prepareCache(files, isCached);
        return timed(options, readLines);
      },
      async wc() {
        await prepareCache(files, isCached);
        return millisecondsOf(() => runCommand("wc", "-l", ...files));
      },
    });
    rows.push({ work: `first read, 1 GB ${name}`, values: [found.ours, found.wc] });
  }
  const { other } = await medians(rounds, { other: () => timed(options, readLines) });
  rows.push({ work: "first read of another process", values: [other] });
  const later = await withServer(options, async (server) => {
    const all = [];
    for (let n = 0; n <= laterReads; n += 1) all.push(await millisecondsOf(() => readLines(server)));
    return median(all.slice(1));
  });
  rows.push({ work: "later read", values: [later] });
  return rows;
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export async function run() {
  if (!isInstalled("wc")) return { tables: [], targets: [], skipped: ["wc is not installed"] };
  const rows = await withWorkFolder(measure);
  const about =
    "One call of read_artifact asks for lines 1,000,000 to 1,000,020 of a text of 1 GB. Each first read is the first call of a new process, which has been initialized. `wc -l` counts the lines of the same files, and its time has the start of a process in it.";
  const firsts = rows.filter(({ values }) => values.length > 1);
  const laters = rows.filter(({ values }) => values.length === 1);
  return {
    tables: [{ title: "Lines of a large text over stdio", about, unit: "ms", subjects, rows }],
    targets: [
      ...firsts.map(({ work, values: [ours, wc] }) => ({
        work,
        against: subjects[1] ?? "",
        value: ratio("ms", ours, wc),
        wanted: { atLeast: 0.8 },
      })),
      ...laters.map(({ work, values: [ours = Number.NaN] }) => ({
        work: `${work} of lines, in ms`,
        against: "",
        value: ours,
        wanted: { atMost: 50 },
      })),
    ],
  };
}
