// What a page of each listing, and a lookup, cost in small and in large stores.
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { beforeName, ofBefore, skippedBefore, targetsOfBefore } from "../lib/before.mjs";
import { main } from "../lib/programs.mjs";
import { RawServer } from "../lib/raw-server.mjs";
import { median, millisecondsOf } from "../lib/rounds.mjs";
import { workFolder } from "../lib/work-folder.mjs";

const sizes = [1_000, 10_000, 100_000, 1_000_000];
/** Of each page in each store: in rounds, so that what else the machine does meets all of them. */
const rounds = 5;
const callsOfRound = 11;
/** So that what is measured first is not what the compiler learns on; finding the last page of the largest store takes as many. */
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

/** A build, and how it names and writes a row. @typedef {{ program: string, separator: string, about: object }} Build */

/** @type {Build} */
const ours = { program: main, separator: "\t", about: { pieces: [] } };
/** @param {string} program @returns {Build} */
const before = (program) => ({ program, separator: ":", about: {} });

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

/** Rows without content: a listing reads none. @param {Build} build @param {string} root @param {number} artifacts */
async function fill({ program, separator, about }, root, artifacts) {
  const server = serverOn(program, root); // makes the table
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

/** The cursors of a listing's pages, undefined for the first. @param {RawServer} server @param {string} name @param {object} args */
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

/** What is measured, ready to be called. @param {RawServer} server @returns {Promise<Lookup[]>} */
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

/** A store of so many artifacts, and what is measured on it. @param {string} root @param {number} artifacts @param {Build} build */
async function storeOf(root, artifacts, build) {
  process.stderr.write(`bench: a store of ${artifacts}\n`);
  await fill(build, root, artifacts);
  const server = serverOn(build.program, root);
  await server.initialize();
  return { server, lookups: await lookupsOf(server) };
}

/** Median milliseconds of each, by store. @param {readonly (readonly Lookup[])[]} stores */
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
  return workFolder(async (folder) => {
    const stores = [];
    for (const artifacts of sizes) stores.push(await storeOf(join(folder, String(artifacts)), artifacts, ours));
    const largest = sizes.at(-1) ?? 0;
    await ofBefore(async (program) => {
      stores.push(await storeOf(join(folder, "before"), largest, before(program)));
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
    const asBefore = beside.flatMap(({ work, values: [now, then] }) =>
      targetsOfBefore(`${work}, of 1,000,000 artifacts`, "ms", { ours: now, theirs: then }),
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
      "By the number of artifacts in the store. Pages of 100 artifacts, of 5 where there is a delimiter, of 5 buckets.";
    const subjects = sizes.map((size) => size.toLocaleString("en"));
    return {
      tables: [
        { title: "Listing and lookup", about, unit: "ms", subjects, rows, isGrowth: true },
        {
          title: "Listing and lookup among 1,000,000 artifacts",
          about: "The same, in the same rounds.",
          unit: "ms",
          subjects: ["artifacts-mcp", beforeName],
          rows: beside,
        },
      ],
      targets: [...targets, ...asBefore],
      skipped: skippedBefore,
    };
  });
}
