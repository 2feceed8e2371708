import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLocalConnection } from "../../../../src/engines/sqlite/database/local-connection.js";
import { checkIndex } from "../../../../src/engines/sqlite/index/check-index.js";
import { batchSize, feedIndex } from "../../../../src/engines/sqlite/index/feed-index.js";
import { indexObjects } from "../../../../src/engines/sqlite/index/schema.js";
import { createSqliteArtifactIndex } from "../../../../src/engines/sqlite/index/sqlite-artifact-index.js";
import { openKeyvMetadataStore } from "../../../../src/engines/sqlite/keyv-metadata-store.js";
import { searchAll } from "../../../contracts/artifact-index-contract.js";
import { temporaryDirectory } from "../../../support/directories.js";
import { artifactText, removeArtifact, setArtifact } from "../../../support/index-rows.js";
import { silentLog } from "../../../support/silent-log.js";

async function openAt(file: string) {
  const store = await openKeyvMetadataStore(file, silentLog);
  onTestFinished(() => store.close());
  return store;
}

/** A store with three artifacts, of which one is pending. */
async function filled() {
  const file = join(await temporaryDirectory(), "metadata.sqlite");
  const store = await openAt(file);
  const database = await openLocalConnection(file, { busyTimeoutMs: 15_000 });
  onTestFinished(() => database.close());
  await setArtifact(store, "a", "first", { metadata: { run: "17" } });
  await setArtifact(store, "b", "second", { bytes: 5 }, { bytes: 6 });
  await database.writeTogether(feedIndex);
  await setArtifact(store, "b", "third");
  expect(await store.checkIndex()).toEqual([]);
  return { file, store, database };
}

const all = ["a/first", "b/second", "b/third"];
const dropping = indexObjects.map(({ name, sql }) => {
  const kind = /^CREATE (?:UNIQUE |VIRTUAL )?(\w+)/.exec(sql)?.[1] ?? "";
  return `DROP ${kind} ${name}`;
});

describe("checkIndex() of the store in SQLite", () => {
  it.each<[string, RegExp]>([
    ["DELETE FROM index_newest WHERE row_key LIKE '%first'", /differs from the row artifact a first/],
    ["UPDATE index_newest SET bytes = bytes + 1 WHERE bucket = 'a'", /differs from the row artifact a first/],
    ["UPDATE index_newest SET expires_at = 1 WHERE bucket = 'a'", /differs from the row artifact a first/],
    ["UPDATE index_newest SET metadata = '{}' WHERE bucket = 'a'", /differs from the row artifact a first/],
    [
      `INSERT INTO index_newest(row_key, bucket, version, mime_type, bytes, all_bytes, created_at, metadata)
      SELECT row_key || 'x', bucket, version, mime_type, bytes, all_bytes, created_at, metadata FROM index_newest`,
      /differs from the row artifact a firstx/,
    ],
    ["UPDATE index_buckets SET bytes = bytes + 1 WHERE name = 'b'", /sums of the bucket b/],
    ["DELETE FROM index_buckets", /sums of the bucket a/],
    ["INSERT INTO index_buckets VALUES ('c', 1, 1, 1)", /sums of the bucket c/],
    ["UPDATE index_buckets SET all_bytes = all_bytes + 1 WHERE name = 'b'", /sums of the bucket b/],
    ["UPDATE index_marks SET fed = fed + 1", /index_words lacks the row artifact b third/],
    ["DELETE FROM index_words WHERE rowid = 1", /index_words lacks the row artifact a first/],
    ["DELETE FROM index_facts WHERE rowid = 1", /index_facts lacks the row artifact a first/],
    ...dropping.map((sql): [string, RegExp] => [sql, /lacks index_/]),
  ])("finds what %s has done, and rebuildIndex() repairs it", async (sql, line) => {
    const { store, database } = await filled();
    await database.all(sql);
    expect((await store.checkIndex()).join("\n")).toMatch(line);
    await store.rebuildIndex();
    expect(await store.checkIndex()).toEqual([]);
    expect(await searchAll(store)).toEqual(all);
    expect(await searchAll(store, { words: ["econd"] })).toEqual(["b/second"]);
    expect(await store.checkIntegrity()).toEqual([]);
  });

  it.each([
    ["fts5: corruption found reading blob 10 from table index_words", "SQLITE_CORRUPT"],
    ["no such table: index_words_docsize", "SQLITE_ERROR"],
  ])("finds a part of the full-text tables that cannot be read: %s", async (message, code) => {
    const { database } = await filled();
    const lines = await database.readSnapshot((query) =>
      checkIndex((sql, values) => {
        if (!sql.includes("index_words_docsize")) return query(sql, values);
        throw Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode: 1 });
      }),
    );
    expect(lines).toEqual([`A part of the index_ tables cannot be read (${code}: ${message}).`]);
  });

  it("rebuildIndex() ends although others go on saving", async () => {
    const { database } = await filled();
    const turns: string[] = [];
    const index = createSqliteArtifactIndex({
      reader: async () => database,
      async maintain({ kind }) {
        turns.push(kind);
        return turns.length === 2 ? batchSize : 1; // one artifact was saved since the last turn
      },
    });
    await index.rebuildIndex();
    expect(turns).toEqual(["make", "feed", "feed"]);
  });

  it.each(dropping)("an index that is not whole is made again when the database is opened: %s", async (sql) => {
    const { file, store, database } = await filled();
    await database.all(sql);
    await store.close();
    const again = await openAt(file);
    expect(await again.checkIndex()).toEqual([]);
    expect(await searchAll(again, { order: "oldest" })).toEqual(all);
    await setArtifact(again, "b", "fourth");
    expect(await searchAll(again, { words: ["fourth"] })).toEqual(["b/fourth"]);
    expect(await again.checkIndex()).toEqual([]);
  });

  it("no id is given twice, even after the index was made again", async () => {
    const { store } = await filled();
    const { last } = await store.matching("b", "", 0);
    for (const key of ["second", "third"]) await removeArtifact(store, "b", key);
    await store.rebuildIndex();
    await setArtifact(store, "b", "third");
    expect((await store.matching("b", "", 0)).last).toBeGreaterThan(last);
  });
});

const whole = artifactText("b", "k", [{ metadata: { a: "text" } }]);
const version = (change: object): string => {
  const row = JSON.parse(whole);
  return JSON.stringify({ ...row, versions: [{ ...row.versions[0], ...change }] });
};

describe("a row that cannot be read", () => {
  const texts = [
    "",
    "{",
    "[]",
    "null",
    "1e999",
    '"\\ud800"',
    "[".repeat(100_000),
    '{"versions":{}}',
    '{"versions":[]}',
    '{"versions":["a"]}',
    '{"versions":[["a"], 1, null]}',
    ...["version", "mime_type", "bytes", "created_at", "metadata"].map((field) => version({ [field]: undefined })),
    ...[null, "1", 1.5, -1, 1e300, 9_007_199_254_740_992, [], {}].flatMap((value) =>
      ["version", "bytes", "created_at", "expires_at"].map((field) => version({ [field]: value })),
    ),
    ...[null, 1, [], "{}"].map((metadata) => version({ metadata })),
    version({ mime_type: 1 }),
    version({ metadata: { a: 1, b: null, c: { d: [] }, e: "\0", f: "\ud800" } }),
    version({ bytes: 9_007_199_254_740_991 }).replace('"versions":[', '"versions":[{},null,'),
    whole.replace(
      '"versions":[',
      `"versions":[${JSON.stringify({ bytes: 2 ** 53 - 1 })},${JSON.stringify({ bytes: 2 ** 53 - 1 })},`,
    ),
  ];

  it("fails no change, and neither a search nor a feed, and leaves the index in step with the rows", async () => {
    const { store, database } = await filled();
    const names = [
      "artifact\tb\tk",
      "artifact\t",
      "artifact\tb",
      "artifact\t\tk",
      "artifact\tb\t",
      "artifact\tb\tk\tmore",
    ];
    for (const text of texts) {
      for (const key of names) {
        const old = await store.get(key);
        expect(await store.change([{ key, old, next: text }])).toBe(true);
      }
      await database.writeTogether(feedIndex);
      expect(await store.checkIndex()).toEqual([]);
      expect(await searchAll(store, { words: ["third"] })).toEqual(["b/third"]);
      expect(await searchAll(store, { words: ["th"], metadata: {} })).toEqual(["b/third"]);
      await store.buckets({ prefix: "", now: 0, limit: 9 });
      await store.matching("b", "", 0);
    }
    for (const key of names) await store.change([{ key, old: await store.get(key), next: undefined }]);
    await store.rebuildIndex();
    expect(await searchAll(store)).toEqual(all);
  });

  it("is absent from the index, and comes back when it can be read again", async () => {
    const { store, database } = await filled();
    const key = "artifact\ta\tfirst";
    const text = (await store.get(key)) ?? "";
    for (const bad of ["{", text.replace('"version":1', '"version":"1"')]) {
      await store.put(key, bad);
      expect(await searchAll(store)).toEqual(["b/second", "b/third"]);
      expect(await store.buckets({ prefix: "a", now: 0, limit: 9 })).toEqual([]);
      await store.put(key, text);
      expect(await searchAll(store, { metadata: { run: "17" } })).toEqual(["a/first"]);
    }
    await database.all("REPLACE INTO keyv (key, value) VALUES (?, ?)", [key, "not JSON"]);
    expect(await searchAll(store)).toEqual(["b/second", "b/third"]);
    await database.all("DELETE FROM keyv");
    expect(await searchAll(store)).toEqual([]);
    expect(await store.checkIndex()).toEqual([]);
  });
});
