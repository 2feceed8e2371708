// The time for a page of each listing, and for a lookup, in small and in large stores.
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { earlierName, onEarlier, skippedEarlier, targetsAgainstEarlier } from "../lib/earlier-build.mjs";
import { main } from "../lib/programs.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { median, millisecondsOf } from "../lib/rounds.mjs";
import { withWorkFolder } from "../lib/work-folder.mjs";

const sizes = [1_000, 10_000, 100_000, 1_000_000];
/** Each page in each store is measured once a round, so that other load on the machine affects all alike. */
const rounds = 5;
const callsOfRound = 11;
/** Enough calls for the compiler; finding the last page of the largest store takes as many. */
const warmUpCalls = 4_000;

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

/** A build: its program, the separator in the keys of its rows, and the fields that only its rows have. @typedef {{ program: string, separator: string, about: object }} Build */

/** @type {Build} */
const ours = { program: main, separator: "\t", about: { pieces: [] } };
/** @param {string} program @returns {Build} */
const earlier = (program) => ({ program, separator: ":", about: {} });

/** @param {string} bucket @param {string} key @param {object} added */
function rowOf(bucket, key, added) {
  const session = "0".repeat(32);
  const about = {
    mime_type: "text/csv",
    bytes: 1_000,
    sha256: "0".repeat(64),
    created_at: 1_790_000_000,
    metadata: {},
  };
  const value = { revision: "x", bucket, key, last: 1, versions: [{ version: 1, session, ...added, ...about }] };
  return JSON.stringify({ value });
}

/** Writes rows without content, because a listing reads none. @param {Build} build @param {string} root @param {number} artifacts */
async function fill({ program, separator, about }, root, artifacts) {
  const server = serverOn(program, root); // the server makes the table
  await server.initialize();
  await server.call("list_buckets", {});
  await server.close();
  const database = new DatabaseSync(join(root, "metadata.sqlite"));
  database.exec("BEGIN");
  const insert = database.prepare("INSERT INTO keyv (key, value) VALUES (?, ?)");
  for (const [bucket, key] of keysOf(artifacts)) {
    const name = ["artifact", bucket, key].join(separator);
    insert.run(name, rowOf(/** @type {string} */ (bucket), /** @type {string} */ (key), about));
  }
  database.exec("COMMIT");
  database.close();
}

/** @param {string} program @param {string} root */
const serverOn = (program, root) => new RawServer([process.execPath, program, "--root", root, "--log-level", "error"]);

/** Returns the cursors of all pages of a listing; that of the first page is undefined. @param {RawServer} server @param {string} name @param {object} args */
async function cursorsOf(server, name, args) {
  /** @type {(string | undefined)[]} */
  const cursors = [undefined];
  for (;;) {
    const { next_cursor } = await server.call(name, { ...args, cursor: cursors.at(-1) });
    if (next_cursor === undefined) return cursors;
    cursors.push(next_cursor);
  }
}

/** @type {[string, string, Record<string, unknown>][]} */
const listings = [
  ["list_artifacts", "list_artifacts", { bucket: "big" }],
  ["list_artifacts, prefix", "list_artifacts", { bucket: "big", prefix: "folder-0000" }],
  ["list_artifacts, delimiter", "list_artifacts", { bucket: "big", delimiter: "/", limit: 5 }],
  ["list_buckets", "list_buckets", { limit: 5 }],
];

/** @typedef {{ work: string, call: () => Promise<unknown> }} Lookup */

/** Returns the calls to measure. @param {RawServer} server @returns {Promise<Lookup[]>} */
async function lookupsOf(server) {
  for (let n = 0; n < warmUpCalls; n += 1) await server.call("list_artifacts", { bucket: "big" });
  const lookups = [];
  for (const [title, name, args] of listings) {
    const cursors = await cursorsOf(server, name, args);
    const pages = { first: cursors[0], middle: cursors[Math.floor(cursors.length / 2)], last: cursors.at(-1) };
    for (const [page, cursor] of Object.entries(pages)) {
      lookups.push({ work: `${title}: ${page} page`, call: () => server.call(name, { ...args, cursor }) });
    }
  }
  const artifact = { bucket: "big", key: "folder-00000/data-0000007.csv" };
  return [...lookups, { work: "get_artifact", call: () => server.call("get_artifact", artifact) }];
}

/** Makes a store with so many artifacts. Returns its server and the calls to measure. @param {string} root @param {number} artifacts @param {Build} build */
async function storeOf(root, artifacts, build) {
  process.stderr.write(`bench: a store of ${artifacts}\n`);
  await fill(build, root, artifacts);
  const server = serverOn(build.program, root);
  await server.initialize();
  return { server, lookups: await lookupsOf(server) };
}

/** Returns the median milliseconds of each call, by store. @param {readonly (readonly Lookup[])[]} stores */
async function measure(stores) {
  const found = stores.map((lookups) => lookups.map(() => /** @type {number[]} */ ([])));
  for (let round = 0; round < rounds; round += 1) {
    for (const [n, lookups] of stores.entries()) {
      for (const [at, { call }] of lookups.entries()) {
        for (let again = 0; again < callsOfRound; again += 1) found[n]?.[at]?.push(await millisecondsOf(call));
      }
    }
  }
  return found.map((times) => times.map(median));
}

/** @returns {Promise<import("../lib/report.mjs").Findings>} */
export function run() {
  return withWorkFolder(async (folder) => {
    const stores = [];
    for (const artifacts of sizes) stores.push(await storeOf(join(folder, String(artifacts)), artifacts, ours));
    const largest = sizes.at(-1) ?? 0;
    await onEarlier(async (program) => {
      stores.push(await storeOf(join(folder, "earlier"), largest, earlier(program)));
      return 0;
    })();
    const found = await measure(stores.map(({ lookups }) => lookups));
    await Promise.all(stores.map(({ server }) => server.close()));
    const works = (stores[0]?.lookups ?? []).map(({ work }) => work);
    const rows = works.map((work, at) => ({ work, values: sizes.map((_, n) => found[n]?.[at]) }));
    const beside = works.map((work, at) => ({
      work,
      values: [found[sizes.length - 1]?.[at], found[sizes.length]?.[at] ?? Number.NaN],
    }));
    const againstEarlier = beside.flatMap(({ work, values: [now, then] }) =>
      targetsAgainstEarlier(`${work}, of 1,000,000 artifacts`, "ms", { ours: now, theirs: then }),
    );
    const targets = rows
      .filter(({ work }) => /^list_artifacts: /.test(work))
      .map(({ work, values }) => ({
        work: `${work}, of 1,000,000 artifacts`,
        against: "of 1,000",
        value: (values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN),
        wanted: { atMost: 1.5 },
      }));
    const about =
      "By the number of artifacts in the store. A page has 100 artifacts, or 5 entries with a delimiter, or 5 buckets.";
    const subjects = sizes.map((size) => size.toLocaleString("en"));
    return {
      tables: [
        { title: "Listing and lookup", about, unit: "ms", subjects, rows, isGrowth: true },
        {
          title: "Listing and lookup among 1,000,000 artifacts",
          about: "The same calls, in the same rounds.",
          unit: "ms",
          subjects: ["artifacts-mcp", earlierName],
          rows: beside,
        },
      ],
      targets: [...targets, ...againstEarlier],
      skipped: skippedEarlier,
    };
  });
}
