// Searches among 1,000,000 artifacts in 100 buckets, the sums of the buckets, and what the index costs a save.
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buckets, indexed, insertArtifacts, kinds, random, runs, withoutIndex } from "../lib/artifact-rows.mjs";
import { main } from "../lib/programs.mjs";
import { message, RawServer } from "../lib/raw-server.mjs";
import { median, millisecondsOf } from "../lib/rounds.mjs";
import { KiB } from "../lib/sizes.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const count = 1_000_000;
/** Of each kind of search; 15 kinds make 600. */
const searchesOfKind = 40;
const rounds = 3;
const savesOfRound = 200;
const saveRounds = 10;
const orders = ["newest", "oldest", "largest", "smallest", "key"];

/** The mix: how the arguments of the nth search of a kind are made. @type {Record<string, (n: number, below: (most: number) => number) => Record<string, unknown>>} */
const mix = {
  "a common word, five orders": (n, below) => ({ query: kinds[below(kinds.length)], order: orders[n % 5] }),
  "a run, 50 artifacts": (n, below) => ({ query: runOf(below), order: orders[n % 5] }),
  "one artifact by its number": (_, below) => ({ query: `-${100_000 + below(900_000)}.` }),
  "a common word and a run": (n, below) => ({
    query: `${kinds[below(kinds.length)]} ${runOf(below)}`,
    order: orders[n % 5],
  }),
  "two common words": (n, below) => ({
    query: `${kinds[below(kinds.length)]} author-${below(50)}`,
    order: orders[n % 5],
  }),
  "a word that nothing has": (_, below) => ({ query: `report nothing-${below(1_000)}` }),
  "a word in a bucket": (n, below) => ({
    query: kinds[below(kinds.length)],
    bucket: bucketOf(below),
    order: orders[n % 5],
  }),
  "a prefix in a bucket": (n, below) => ({ bucket: bucketOf(below), prefix: "atlas/run-0", order: orders[n % 5] }),
  "a rare pair of the metadata": (n, below) => ({ metadata: { run: runOf(below) }, order: orders[n % 5] }),
  "a common pair and a media type": (n, below) => ({
    metadata: { author: `author-${below(50)}` },
    mime_type: "text/csv",
    order: orders[n % 5],
  }),
  "three pairs": (n, below) => ({
    metadata: { author: `author-${below(50)}`, split: "test", project: "dune" },
    order: orders[n % 5],
  }),
  "a kind of media, the largest": (n, below) => ({
    mime_type: "image/*",
    bucket: n % 2 ? bucketOf(below) : undefined,
    order: "largest",
  }),
  "sizes and a word": (n, below) => ({
    query: kinds[below(kinds.length)],
    min_bytes: 1_000 * below(500),
    order: orders[n % 5],
  }),
  "a month and a word": (n, below) => {
    const created_after = 1_730_000_000 + below(57_000_000);
    return {
      query: kinds[below(kinds.length)],
      created_after,
      created_before: created_after + 2_600_000,
      order: orders[n % 5],
    };
  },
  "one or two letters": (n, below) => ({
    query: n % 2 ? String(below(10)) : `${below(90) + 10}`,
    order: orders[n % 5],
  }),
};

/** @param {(most: number) => number} below */
const runOf = (below) => `run-${String(below(runs)).padStart(5, "0")}`;
/** @param {(most: number) => number} below */
const bucketOf = (below) => `bucket-${below(buckets)}`;

/** @param {string} root */
async function serverOn(root) {
  const server = new RawServer([process.execPath, main, "--root", root, "--log-level", "error"]);
  await server.initialize();
  return server;
}

/** Makes the store, and waits for its index. @param {string} root */
async function fill(root) {
  await mkdir(root, { recursive: true });
  const maker = await serverOn(root);
  await maker.call("list_buckets", {});
  await maker.close();
  insertArtifacts(root, count);
  const server = await serverOn(root);
  await server.sendAll([saveOf(0)]); // a process that saves adds what is pending
  await indexed(root);
  return server;
}

/** @param {number} n */
function saveOf(n) {
  const content = randomBytes(10 * KiB).toString("base64");
  const args = {
    bucket: `bucket-${n % buckets}`,
    key: `saved/${randomBytes(8).toString("hex")}-${n}`,
    encoding: "base64",
    content,
    metadata: { author: "author-7", project: "dune", run: "run-00001", split: "test", step: String(n) },
  };
  return message("tools/call", { name: "save_artifact", arguments: args }, n);
}

/** Milliseconds of each search, by kind. The kinds take turns. @param {RawServer} server */
async function searchTimes(server) {
  const below = random(7);
  const times = new Map(Object.keys(mix).map((kind) => [kind, /** @type {number[]} */ ([])]));
  for (let n = 0; n < searchesOfKind; n += 1) {
    for (const [kind, make] of Object.entries(mix)) {
      const args = make(n, below);
      times.get(kind)?.push(await millisecondsOf(() => server.call("search_artifacts", args)));
    }
  }
  return times;
}

/** @param {readonly number[]} values @param {number} part */
const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN;

/** The median of a call that is made again and again. @param {() => Promise<unknown>} call */
async function medianOf(call) {
  const times = [];
  for (let n = 0; n < 50; n += 1) times.push(await millisecondsOf(call));
  return median(times);
}

/** Milliseconds of a save with the index, and without it. @param {string} root @param {RawServer} server */
async function saveTimes(root, server) {
  const save = async () => {
    const messages = Array.from({ length: savesOfRound }, (_, n) => saveOf(n));
    return (await millisecondsOf(() => server.sendAll(messages))) / savesOfRound;
  };
  const [indexedTimes, plainTimes] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  await save();
  for (let round = 0; round < saveRounds; round += 1) {
    indexedTimes.push(await save());
    plainTimes.push(await withoutIndex(root, save));
  }
  return { withIndex: median(indexedTimes), without: median(plainTimes) };
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export function run() {
  return withWorkFolder(async (folder) => {
    const root = join(folder, "store");
    process.stderr.write(`bench: a store of ${count}\n`);
    const server = await fill(root);
    await searchTimes(server); // warms the compiler and the pages of the database
    /** @type {Map<string, number[]>[]} */
    const found = [];
    for (let round = 0; round < rounds; round += 1) found.push(await searchTimes(server));
    const ofAll = (/** @type {number} */ part) =>
      median(found.map((times) => quantile([...times.values()].flat(), part)));
    const newest = await medianOf(() => server.call("search_artifacts", {}));
    const common = await medianOf(() => server.call("search_artifacts", { query: "results" }));
    const sums = await medianOf(() => server.call("list_buckets", {}));
    const { withIndex, without } = await saveTimes(root, server);
    await server.close();
    const rows = Object.keys(mix).map((kind) => {
      const times = found.flatMap((each) => each.get(kind) ?? []);
      return { work: kind, values: [median(times), quantile(times, 0.95), quantile(times, 1)] };
    });
    const totals = { work: "all 600", values: [ofAll(0.5), ofAll(0.95), ofAll(1)] };
    const others = [
      { work: "newest first, no words", values: [newest] },
      { work: "newest first, a common word", values: [common] },
      { work: "list_buckets", values: [sums] },
      { work: "save_artifact of 10 KB", values: [withIndex] },
      { work: "save_artifact of 10 KB, without the index", values: [without] },
    ];
    const of = "of 1,000,000 artifacts";
    const target = (/** @type {string} */ work, /** @type {number} */ value, /** @type {number} */ atMost) => ({
      work,
      against: `${of}, ms`,
      value,
      wanted: { atMost },
    });
    return {
      tables: [
        {
          title: "Search among 1,000,000 artifacts",
          about:
            "In 100 buckets, each with five pairs of metadata; 20 results, over stdio. The first row has the medians of three rounds.",
          unit: "ms",
          subjects: ["median", "95 %", "worst"],
          rows: [totals, ...rows, ...others],
          isUncompared: true,
        },
      ],
      targets: [
        target("600 searches, median", ofAll(0.5), 10),
        target("600 searches, 95 %", ofAll(0.95), 60),
        target("600 searches, worst", ofAll(1), 200),
        target("newest first, no words", newest, 5),
        target("newest first, a common word", common, 5),
        target("list_buckets with sums", sums, 5),
        {
          work: "save_artifact of 10 KB",
          against: "without the index",
          value: without / withIndex,
          wanted: { atLeast: 0.85 },
        },
      ],
    };
  });
}
