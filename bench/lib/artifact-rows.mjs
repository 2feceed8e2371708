// A store of many artifacts without content, because neither a search nor a listing reads any.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseSync } from "@photostructure/sqlite";

/** Returns the same numbers in each run, each from 0 up to its argument. @param {number} seed */
export function random(seed) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export const kinds = ["results", "report", "dataset", "figure", "metrics", "summary", "weights", "config"];
export const types = {
  csv: "text/csv",
  json: "application/json",
  png: "image/png",
  md: "text/markdown",
  bin: "application/octet-stream",
};
export const buckets = 100;
export const runs = 20_000;
const projects = ["atlas", "borealis", "cascade", "dune", "ember", "fjord"];
const splits = ["train", "test", "validation"];
const firstSecond = 1_730_000_000;
/** The artifacts were made one after the other, with this time between them. */
const secondsBetween = 60;

/** @typedef {{ bucket: string, key: string, version: Record<string, unknown> }} MadeArtifact */

/** @param {number} count @returns {Generator<MadeArtifact>} */
export function* artifacts(count) {
  const below = random(count);
  /** @template Item @param {readonly Item[]} items */
  const one = (items) => /** @type {Item} */ (items[below(items.length)]);
  for (let n = 0; n < count; n += 1) {
    const run = `run-${String(below(runs)).padStart(5, "0")}`;
    const [extension, type] = one(Object.entries(types));
    const version = {
      version: 1,
      session: "0".repeat(32),
      pieces: [],
      mime_type: type,
      bytes: Math.floor(100 * 1.0001 ** below(115_000)),
      sha256: "0".repeat(64),
      created_at: firstSecond + n * secondsBetween,
      metadata: {
        author: `author-${below(50)}`,
        project: one(projects),
        run,
        split: one(splits),
        step: String(below(100_000)),
      },
    };
    yield { bucket: `bucket-${n % buckets}`, key: `${one(projects)}/${run}/${one(kinds)}-${n}.${extension}`, version };
  }
}

/** Writes rows while no index watches them. The next process that opens the store makes its index. @param {string} root @param {number} count */
export function insertArtifacts(root, count) {
  const database = new DatabaseSync(join(root, "metadata.sqlite"));
  dropTriggers(database);
  database.exec("BEGIN");
  const insert = database.prepare("INSERT INTO keyv (key, value) VALUES (?, ?)");
  for (const { bucket, key, version } of artifacts(count)) {
    const value = { revision: "x", bucket, key, last: 1, versions: [version] };
    insert.run(`artifact\t${bucket}\t${key}`, JSON.stringify({ value }));
  }
  database.exec("COMMIT");
  database.close();
}

/** Waits until the index of a store has all artifacts but a few, which are looked at one by one. @param {string} root */
export async function indexed(root) {
  const database = new DatabaseSync(join(root, "metadata.sqlite"));
  const pending = database.prepare("SELECT count(*) AS n FROM index_pending");
  while (Number(pending.get()?.["n"]) > 500) await delay(500);
  database.close();
}

/** Runs `use` while changes of rows leave the index as it is. @template Result @param {string} root @param {() => Promise<Result>} use */
export async function withoutIndex(root, use) {
  const database = new DatabaseSync(join(root, "metadata.sqlite"), { timeout: 10_000 });
  const dropped = dropTriggers(database);
  try {
    return await use();
  } finally {
    for (const sql of dropped) database.exec(sql);
    database.close();
  }
}

/** Returns the statements that make the triggers again. @param {InstanceType<typeof DatabaseSync>} database */
function dropTriggers(database) {
  const triggers = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
  return triggers.map(({ sql }) => String(sql));
}
