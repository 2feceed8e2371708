import { describe, expect, it } from "vitest";
import { parseArtifactRow } from "../../src/store/model/records.js";
import type { ArtifactIndex, SearchQuery } from "../../src/store/ports/artifact-index.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";
import { removeArtifact, setArtifact } from "../support/index-rows.js";

type Open = () => Promise<MetadataStore>;

const now = 1_800_000_000;
const everything: SearchQuery = { words: [], order: "key", now, limit: 100 };
const names = (found: readonly { readonly bucket: string; readonly key: string }[]): string[] =>
  found.map(({ bucket, key }) => `${bucket}/${key}`);

/** The artifacts that a search finds on all its pages, in order. */
export async function searchAll(index: ArtifactIndex, wanted: Partial<SearchQuery> = {}): Promise<string[]> {
  const all: string[] = [];
  let after: string | undefined;
  do {
    const { found, next } = await index.search({ ...everything, ...wanted, after });
    expect(found.length).toBeLessThanOrEqual(wanted.limit ?? everything.limit);
    all.push(...names(found));
    after = next;
  } while (after !== undefined);
  return all;
}

/** The tests that the index of every metadata engine has to pass. `open` makes an empty store that the test owns. */
export function artifactIndexContract(name: string, open: Open): void {
  describe(`${name} as an ArtifactIndex`, () => {
    wordContract(open);
    conditionContract(open);
    orderContract(open);
    changeContract(open);
    summaryContract(open);
    bucketContract(open);
  });
}

function wordContract(open: Open): void {
  it("search() finds each word as a part of bucket, key, or a name or a value of the metadata, and ignores case", async () => {
    const store = await open();
    await setArtifact(store, "Reports", "2026/March.CSV", { metadata: { author: "Ada Lovelace", run: "e-17" } });
    await setArtifact(store, "models", "march.bin");
    for (const [words, expected] of [
      [["march"], ["Reports/2026/March.CSV", "models/march.bin"]],
      [["REPORT"], ["Reports/2026/March.CSV"]],
      [["lovel", "csv"], ["Reports/2026/March.CSV"]],
      [["2026/march"], ["Reports/2026/March.CSV"]],
      [["a"], ["Reports/2026/March.CSV", "models/march.bin"]],
      [["e-"], ["Reports/2026/March.CSV"]],
      [["17"], ["Reports/2026/March.CSV"]],
      [["AUTH", "run"], ["Reports/2026/March.CSV"]],
      [["authorada"], []],
      [["reports2026"], []],
      [["march", "nothing"], []],
    ] as const) {
      expect([words, await searchAll(store, { words })]).toEqual([words, expected]);
    }
  });

  it("search() takes every character of a word as it is", async () => {
    const store = await open();
    const keys = ["100%", "100x", "a_b", "axb", 'say "hi"', "say hi", "a*b", "(x)", "C:D", "-x", "AND", "it's"];
    for (const key of keys) await setArtifact(store, "b", key);
    for (const word of ["100%", "0%", "a_b", "_", "%", 'say "hi"', '"', "a*b", "(x)", "c:d", "-x", "t's", "AND"]) {
      const expected = keys.filter((key) => key.toLowerCase().includes(word.toLowerCase()));
      expect([word, (await searchAll(store, { words: [word] })).sort()]).toEqual([
        word,
        expected.map((key) => `b/${key}`).sort(),
      ]);
    }
  });

  it("search() ignores the case of all letters, and how accents are composed", async () => {
    const store = await open();
    const keys = ["Überblick", "ΟΔΟΣ", "İstanbul", "日本語の報告", "emoji 😀 x", "straße", "K"];
    for (const key of keys) await setArtifact(store, "b", key.normalize("NFC"));
    for (const [word, key] of [
      ["über", "Überblick"],
      ["U\u0308BER", "Überblick"],
      ["ΒΛ", undefined],
      ["οδος", "ΟΔΟΣ"],
      ["οδοσ", "ΟΔΟΣ"],
      ["本語の", "日本語の報告"],
      ["報", "日本語の報告"],
      ["😀", "emoji 😀 x"],
      ["stanbul", "İstanbul"],
      ["STRAß", "straße"],
    ] as const) {
      expect([word, await searchAll(store, { words: [word] })]).toEqual([word, key === undefined ? [] : [`b/${key}`]]);
    }
  });
}

function conditionContract(open: Open): void {
  it("search() filters by bucket, and by the beginning of the key", async () => {
    const store = await open();
    const places = ["a/x/1", "a/x/2", "a/y/1", "a2/x/1", "b/X/1", "b/x"] as const;
    for (const place of places)
      await setArtifact(store, place.split("/")[0] ?? "", place.slice(place.indexOf("/") + 1));
    expect(await searchAll(store, { bucket: "a" })).toEqual(["a/x/1", "a/x/2", "a/y/1"]);
    expect(await searchAll(store, { bucket: "a", prefix: "x/" })).toEqual(["a/x/1", "a/x/2"]);
    expect(await searchAll(store, { prefix: "x/" })).toEqual(["a/x/1", "a/x/2", "a2/x/1"]);
    expect(await searchAll(store, { prefix: "x" })).toEqual(["a/x/1", "a/x/2", "a2/x/1", "b/x"]);
    expect(await searchAll(store, { prefix: "x/1", words: ["2"] })).toEqual(["a2/x/1"]);
    expect(await searchAll(store, { bucket: "none" })).toEqual([]);
  });

  it("search() filters by media type without its parameters, or by its kind", async () => {
    const store = await open();
    for (const [key, mime_type] of Object.entries({
      csv: "text/csv",
      upper: "Text/CSV; charset=UTF-8",
      plain: "text/plain;charset=utf-8",
      png: "image/png",
      text: "text",
    })) {
      await setArtifact(store, "b", key, { mime_type });
    }
    expect(await searchAll(store, { mime_type: "text/csv" })).toEqual(["b/csv", "b/upper"]);
    expect(await searchAll(store, { mime_type: "TEXT/*" })).toEqual(["b/csv", "b/plain", "b/upper"]);
    expect(await searchAll(store, { mime_type: "image/*" })).toEqual(["b/png"]);
    expect(await searchAll(store, { mime_type: "image/%" })).toEqual([]);
  });

  it("search() filters by pairs of the metadata, which must be equal", async () => {
    const store = await open();
    await setArtifact(store, "b", "1", { metadata: { run: "7", split: "train" } });
    await setArtifact(store, "b", "2", { metadata: { run: "7", split: "test" } });
    await setArtifact(store, "b", "3", { metadata: { run: "77", __proto__x: "7" } });
    await setArtifact(store, "b", "4", { metadata: { "": "" } });
    expect(await searchAll(store, { metadata: { run: "7" } })).toEqual(["b/1", "b/2"]);
    expect(await searchAll(store, { metadata: { run: "7", split: "train" } })).toEqual(["b/1"]);
    expect(await searchAll(store, { metadata: { run: "7", split: "Train" } })).toEqual([]);
    expect(await searchAll(store, { metadata: { toString: "7" } })).toEqual([]);
    expect(await searchAll(store, { metadata: { "": "" } })).toEqual(["b/4"]);
    expect(await searchAll(store, { metadata: {} })).toEqual(["b/1", "b/2", "b/3", "b/4"]);
  });

  it("search() filters by ranges of time and size, which include their bounds", async () => {
    const store = await open();
    for (const n of [1, 2, 3]) await setArtifact(store, "b", String(n), { created_at: 100 * n, bytes: n });
    expect(await searchAll(store, { created_after: 200 })).toEqual(["b/2", "b/3"]);
    expect(await searchAll(store, { created_before: 200 })).toEqual(["b/1", "b/2"]);
    expect(await searchAll(store, { created_after: 101, created_before: 299 })).toEqual(["b/2"]);
    expect(await searchAll(store, { min_bytes: 2 })).toEqual(["b/2", "b/3"]);
    expect(await searchAll(store, { max_bytes: 0 })).toEqual([]);
    expect(await searchAll(store, { min_bytes: 2, max_bytes: 2, words: ["b"], bucket: "b" })).toEqual(["b/2"]);
  });

  it("search() leaves out what has expired", async () => {
    const store = await open();
    await setArtifact(store, "b", "past", { expires_at: now });
    await setArtifact(store, "b", "soon", { expires_at: now + 1 });
    await setArtifact(store, "b", "never");
    await setArtifact(store, "b", "older version", {}, { expires_at: 1 });
    for (const wanted of [{}, { words: ["b"] }, { bucket: "b" }, { order: "newest" as const }]) {
      expect((await searchAll(store, wanted)).sort()).toEqual(["b/never", "b/older version", "b/soon"]);
    }
  });
}

function orderContract(open: Open): void {
  it("search() has five orders, and keys are in the order of their UTF-8 bytes", async () => {
    const store = await open();
    const keys = ["A", "a", "é", "\uffee", "😀"];
    for (const [n, key] of keys.entries()) await setArtifact(store, "b", key, { created_at: n, bytes: (n * 3) % 5 });
    await setArtifact(store, "a", "z", { created_at: 9, bytes: 9 });
    const ordered = (order: SearchQuery["order"]) => searchAll(store, { order, limit: 2 });
    expect(await ordered("key")).toEqual(["a/z", ...keys.map((key) => `b/${key}`)]);
    expect(await ordered("oldest")).toEqual([...keys.map((key) => `b/${key}`), "a/z"]);
    expect(await ordered("newest")).toEqual(["a/z", ...keys.map((key) => `b/${key}`).reverse()]);
    expect(await ordered("smallest")).toEqual(["b/A", "b/é", "b/😀", "b/a", "b/\uffee", "a/z"]);
    expect(await ordered("largest")).toEqual(["a/z", "b/\uffee", "b/a", "b/😀", "b/é", "b/A"]);
  });

  it("search() continues after each page, without missing or repeating one of many equal artifacts", async () => {
    const store = await open();
    const keys = Array.from({ length: 23 }, (_, n) => `key ${n}`);
    for (const key of keys) await setArtifact(store, "b", key);
    for (const order of ["newest", "oldest", "largest", "smallest", "key"] as const) {
      for (const wanted of [{}, { words: ["key"] }, { bucket: "b" }]) {
        const found = await searchAll(store, { ...wanted, order, limit: 5 });
        expect(found.sort()).toEqual(keys.map((key) => `b/${key}`).sort());
      }
    }
  });
}

function changeContract(open: Open): void {
  it("search() sees each change at once, and returns the newest version as it is in the row", async () => {
    const store = await open();
    await setArtifact(store, "b", "k", { metadata: { a: "first" }, mime_type: "text/csv" });
    expect(await searchAll(store, { words: ["first"] })).toEqual(["b/k"]);
    const two = { version: 2, metadata: { a: "second" }, bytes: 7, expires_at: now + 1 };
    await setArtifact(store, "b", "k", two, { version: 1 });
    expect(await searchAll(store, { words: ["first"] })).toEqual([]);
    const { found } = await store.search({ ...everything, words: ["second"] });
    expect(JSON.parse(found[0]?.newest ?? "")).toMatchObject(two);
    const row = { key: "artifact\tb\tk", text: (await store.get("artifact\tb\tk")) ?? "" };
    expect(JSON.parse(found[0]?.newest ?? "")).toEqual(parseArtifactRow(row).value.versions[0]);
    await setArtifact(store, "b", "k", { ...two, metadata: { a: "third" }, mime_type: "image/png" }, { version: 1 });
    expect(await searchAll(store, { words: ["second"] })).toEqual([]);
    expect(await searchAll(store, { metadata: { a: "third" }, mime_type: "image/*" })).toEqual(["b/k"]);
    await removeArtifact(store, "b", "k");
    expect(await searchAll(store)).toEqual([]);
  });

  it("the index is as before after it was made again", async () => {
    const store = await open();
    for (let n = 0; n < 5; n += 1) await setArtifact(store, `b${n % 2}`, `key ${n}`, { bytes: n });
    await store.rebuildIndex();
    expect(await store.checkIndex()).toEqual([]);
    expect(await searchAll(store, { words: ["key"], order: "smallest" })).toEqual([
      "b0/key 0",
      "b1/key 1",
      "b0/key 2",
      "b1/key 3",
      "b0/key 4",
    ]);
    await setArtifact(store, "b0", "key 5");
    expect(await searchAll(store, { words: ["key 5"] })).toEqual(["b0/key 5"]);
    expect(await store.checkIndex()).toEqual([]);
  });
}

function summaryContract(open: Open): void {
  it("buckets() counts what has not expired, in pages, in the order of the names", async () => {
    const store = await open();
    await setArtifact(store, "b", "1", { bytes: 10, created_at: 5 }, { bytes: 1_000 });
    await setArtifact(store, "b", "2", { bytes: 20, created_at: 7, expires_at: now });
    await setArtifact(store, "a", "1", { bytes: 1, created_at: 3 });
    await setArtifact(store, "B", "1", { bytes: 2, created_at: 4 });
    await setArtifact(store, "gone", "1", { expires_at: 1 });
    const all = [
      { name: "B", artifacts: 1, bytes: 2, newest_at: 4 },
      { name: "a", artifacts: 1, bytes: 1, newest_at: 3 },
      { name: "b", artifacts: 1, bytes: 10, newest_at: 5 },
    ];
    expect(await store.buckets({ prefix: "", now, limit: 9 })).toEqual(all);
    expect(await store.buckets({ prefix: "", now, limit: 1 })).toEqual(all.slice(0, 1));
    expect(await store.buckets({ prefix: "", now, limit: 9, after: "a" })).toEqual(all.slice(2));
    expect(await store.buckets({ prefix: "a", now, limit: 9 })).toEqual(all.slice(1, 2));
    await removeArtifact(store, "b", "1");
    await removeArtifact(store, "b", "2");
    expect(await store.buckets({ prefix: "b", now, limit: 9 })).toEqual([]);
  });

  it("matching() counts what lies under a prefix, and keysUnder() lists what has not been saved since", async () => {
    const store = await open();
    await setArtifact(store, "b", "x/1", { bytes: 10 }, { bytes: 5 });
    await setArtifact(store, "b", "x/2", { bytes: 20 });
    await setArtifact(store, "b", "x/3", { expires_at: now });
    await setArtifact(store, "b", "y", { bytes: 20 });
    const { last, ...counts } = await store.matching("b", "x/", now);
    expect(counts).toEqual({ artifacts: 2, bytes: 35 });
    expect(await store.matching("b", "none", now)).toEqual({ artifacts: 0, bytes: 0, last: 0 });
    await setArtifact(store, "b", "x/1", { version: 3 });
    await setArtifact(store, "b", "x/2", { bytes: 20, metadata: { edited: "yes" } });
    await setArtifact(store, "b", "x/4");
    const page = await store.keysUnder("b", "x/", { last, limit: 9 });
    expect(page.map(({ key, version }) => [key, version])).toContainEqual(["x/2", 1]);
    expect(names(page)).not.toContain("b/x/1");
    expect(names(page)).not.toContain("b/x/4");
    const all = { last: Number.MAX_SAFE_INTEGER, limit: 2 };
    expect(names(await store.keysUnder("b", "x/", all))).toEqual(["b/x/1", "b/x/2"]);
    expect(names(await store.keysUnder("b", "x/", { ...all, after: "x/2" }))).toEqual(["b/x/3", "b/x/4"]);
    expect(names(await store.keysUnder("b", "x/", { ...all, fromEnd: true, now }))).toEqual(["b/x/4", "b/x/2"]);
    expect(names(await store.keysUnder("b", "x/", { ...all, limit: 9, now }))).not.toContain("b/x/3");
  });

  it("expired() lists what has expired, in the order of the expiry", async () => {
    const store = await open();
    for (const [key, expires_at] of [
      ["b", 20],
      ["a", 10],
      ["c", 30],
      ["d", now + 1],
    ] as const) {
      await setArtifact(store, "b", key, { expires_at });
    }
    expect(names(await store.expired(now, { skip: 0, limit: 9 }))).toEqual(["b/a", "b/b", "b/c"]);
    expect(names(await store.expired(now, { skip: 1, limit: 1 }))).toEqual(["b/b"]);
    expect(names(await store.expired(15, { skip: 0, limit: 9 }))).toEqual(["b/a"]);
  });
}

function bucketContract(open: Open): void {
  it("size() counts buckets, keys, bytes and unfinished uploads, after each change", async () => {
    const store = await open();
    const expectSize = async (size: object, bucketPrefix = "") =>
      expect(await store.size(bucketPrefix)).toMatchObject(size);
    await expectSize({ buckets: 0, artifacts: 0, newestBytes: 0, bytes: 0, openUploads: 0 });
    await setArtifact(store, "b", "one", { bytes: 10 });
    await setArtifact(store, "b", "two", { bytes: 20, expires_at: now - 1 });
    await setArtifact(store, "c", "one", { bytes: 30 });
    await store.change([{ key: "open\tb\tone\t1\ta", old: undefined, next: "{}" }]);
    await store.change([{ key: "upload\tb\tone\ta", old: undefined, next: "{}" }]);
    await expectSize({ buckets: 2, artifacts: 3, newestBytes: 60, bytes: 60, openUploads: 1 });
    await setArtifact(store, "bb", "one", { bytes: 40 });
    await expectSize({ buckets: 1, artifacts: 1, newestBytes: 40, bytes: 40, openUploads: 0 }, "b");
    await removeArtifact(store, "bb", "one");
    await removeArtifact(store, "c", "one");
    await store.change([{ key: "open\tb\tone\t1\ta", old: "{}", next: undefined }]);
    await expectSize({ buckets: 1, artifacts: 2, newestBytes: 30, bytes: 30, openUploads: 0 });
  });

  it("bucketUse() sums all versions of a bucket, also those that have expired, after each change", async () => {
    const store = await open();
    const use = () => store.bucketUse("b");
    expect(await use()).toEqual({ artifacts: 0, bytes: 0 });
    await setArtifact(store, "b", "1", { bytes: 10 }, { bytes: 5 });
    await setArtifact(store, "b", "2", { bytes: 20, expires_at: 1 });
    await setArtifact(store, "b2", "1", { bytes: 1_000 });
    expect(await use()).toEqual({ artifacts: 2, bytes: 35 });
    await setArtifact(store, "b", "1", { bytes: 7, version: 3 }, { bytes: 10 }, { bytes: 5 });
    expect(await use()).toEqual({ artifacts: 2, bytes: 42 });
    await setArtifact(store, "b", "1", { bytes: 7, version: 3 }, { bytes: 10 }); // an older version was deleted
    expect(await use()).toEqual({ artifacts: 2, bytes: 37 });
    await removeArtifact(store, "b", "2");
    expect(await use()).toEqual({ artifacts: 1, bytes: 17 });
    await store.rebuildIndex();
    expect(await use()).toEqual({ artifacts: 1, bytes: 17 });
    await removeArtifact(store, "b", "1");
    expect(await use()).toEqual({ artifacts: 0, bytes: 0 });
  });

  it("aged() lists the keys of a bucket by the age of their newest version, in pages; countAged() counts them", async () => {
    const store = await open();
    for (const [key, created_at] of Object.entries({ b: 20, a: 10, c: 20, d: 20, e: 31 })) {
      await setArtifact(store, "b", key, { created_at });
    }
    await setArtifact(store, "b", "renewed", { created_at: 40, bytes: 3 }, { created_at: 5 });
    await setArtifact(store, "b", "expired", { created_at: 15, expires_at: 16 }, { created_at: 5 });
    await setArtifact(store, "b2", "a", { created_at: 10 });
    const first = await store.aged("b", 30, { limit: 3 });
    expect(names(first)).toEqual(["b/a", "b/expired", "b/b"]);
    expect(first[1]).toMatchObject({ created_at: 15, version: 2 });
    expect(names(await store.aged("b", 30, { limit: 3, after: first[2] }))).toEqual(["b/c", "b/d"]);
    expect(names(await store.aged("b", 9, { limit: 3 }))).toEqual([]);
    expect(await store.countAged("b", 30)).toEqual({ artifacts: 5, bytes: 600 });
    expect(await store.countAged("b", 31)).toEqual({ artifacts: 6, bytes: 700 });
    expect(await store.countAged("none", 31)).toEqual({ artifacts: 0, bytes: 0 });
  });
}
