import { describe, expect, it } from "vitest";
import type { SearchArtifacts } from "../../../src/store/artifacts/artifact-search.js";
import { artifactKey } from "../../../src/store/model/row-keys.js";
import { bytesOf, createMemoryEngines, saveText, storeOn } from "../../support/stores.js";

function open() {
  const engines = createMemoryEngines();
  return { engines, store: storeOn(engines) };
}

async function filled() {
  const { engines, store } = open();
  const save = (key: string, metadata: Record<string, string>, mimeType: string) =>
    store.artifacts.save({
      bucket: "runs",
      key,
      bytes: bytesOf(key),
      mime_type: mimeType,
      metadata,
      defaultMimeType: "",
    });
  await save("2026/03/evaluation.csv", { author: "Ada", run: "17" }, "text/csv");
  await save("2026/04/evaluation.csv", { author: "Ada", run: "18" }, "text/csv; charset=utf-8");
  await save("2026/04/plot.png", { author: "Bob", run: "18" }, "image/png");
  const search = async (wanted: Partial<SearchArtifacts>) =>
    (await store.artifacts.search({ order: "key", limit: 20, ...wanted })).data.map(({ key }) => key);
  return { engines, store, search };
}

describe("search", () => {
  it("returns artifacts that meet all conditions", async () => {
    const { store, search } = await filled();
    expect(await search({ query: " 2026/03\n EVALUATION ada " })).toEqual(["2026/03/evaluation.csv"]);
    expect(await search({ mime_type: "TEXT/csv", metadata: { run: "18" } })).toEqual(["2026/04/evaluation.csv"]);
    expect(await search({ prefix: "2026/04/", bucket: "runs", min_bytes: 17 })).toEqual(["2026/04/evaluation.csv"]);
    expect(await search({})).toHaveLength(3);
    const { data } = await store.artifacts.search({ query: "plot", limit: 1 });
    expect(data).toEqual([await store.artifacts.get("runs", "2026/04/plot.png")]);
  });

  it.each([
    ["*.png", ["2026/04/plot.png"]],
    ['"2026/03 evaluation" csv', ["2026/03/evaluation.csv"]],
    ["evaluation, 2026/03, `csv`", ["2026/03/evaluation.csv"]],
    ["\u201cplot*\u201d 'Bob'", ["2026/04/plot.png"]],
    ["author bob", ["2026/04/plot.png"]],
    ["evalu*csv", []],
    [' * "" ,', ["2026/03/evaluation.csv", "2026/04/evaluation.csv", "2026/04/plot.png"]],
  ])("does not count quotation marks, commas and * around a word: %s", async (query, keys) => {
    const { search } = await filled();
    expect(await search({ query })).toEqual(keys);
  });

  it("finds nothing, without an error, in a bucket or under a prefix that does not exist", async () => {
    const { search } = await filled();
    expect(await search({ bucket: "none" })).toEqual([]);
    expect(await search({ prefix: "none/" })).toEqual([]);
    expect(await search({ created_after: 2, created_before: 1 })).toEqual([]);
  });

  it("takes a prefix in the form in which keys are stored", async () => {
    const { store } = open();
    await saveText(store, "b", "été/1", "x");
    const { data } = await store.artifacts.search({ prefix: "e\u0301te\u0301/", limit: 1 });
    expect(data).toHaveLength(1);
  });

  it("continues by a cursor, which belongs to the same conditions", async () => {
    const { store } = await filled();
    const wanted = { metadata: { author: "Ada" }, order: "oldest" as const, limit: 1 };
    const first = await store.artifacts.search(wanted);
    const cursor = first.next_cursor;
    const second = await store.artifacts.search({ ...wanted, cursor });
    expect(new Set([...first.data, ...second.data].map(({ key }) => key)).size).toBe(2);
    expect(second.next_cursor).toBeUndefined();
    for (const other of [{ order: "newest" as const }, { query: "a" }, { metadata: {} }, { bucket: "runs" }]) {
      await expect(store.artifacts.search({ ...wanted, ...other, cursor })).rejects.toMatchObject({
        code: "invalid_argument",
        details: { argument: "cursor" },
      });
    }
  });

  it.each<[string, object, RegExp]>([
    ["order", { order: "biggest" }, /newest, oldest, largest, smallest, key/],
    ["metadata", { metadata: { run: 17 } }, /object of texts/],
    ["mime_type", { mime_type: "csv" }, /text\/csv.*text\/\*/],
    ["mime_type", { mime_type: "*/*" }, /text\/csv/],
    ["created_after", { created_after: -1 }, /seconds/],
    ["max_bytes", { max_bytes: 1.5 }, /whole number of bytes/],
    ["query", { query: "x".repeat(1_001) }, /1000 characters/],
    ["query", { query: "a\0b" }, /NUL/],
    ["query", { query: "\ud800" }, /surrogate/],
    ["bucket", { bucket: "a/b" }, /bucket/],
    ["prefix", { prefix: "/a" }, /prefix/],
  ])("says what is allowed for a wrong %s: %j", async (argument, wanted, message) => {
    const { store } = open();
    const refused = store.artifacts.search({ limit: 1, ...wanted } as SearchArtifacts);
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { argument } });
    await expect(refused).rejects.toThrow(message);
  });

  it("names a found row that cannot be read", async () => {
    const { engines, store } = await filled();
    const row = artifactKey("runs", "2026/04/plot.png");
    const text = (await engines.metadata.get(row)) ?? "";
    const search = engines.metadata.search.bind(engines.metadata);
    engines.metadata.search = async (query) => {
      const page = await search(query);
      return {
        ...page,
        found: page.found.map((each) => ({ ...each, newest: each.newest.replace('"version"', '"v"') })),
      };
    };
    expect(text).toContain("plot");
    await expect(store.artifacts.search({ query: "plot", limit: 1 })).rejects.toMatchObject({
      code: "corrupt",
      details: { row },
    });
  });
});

describe("buckets", () => {
  it("have counts, bytes of the newest versions, and the time of the newest", async () => {
    const { store } = open();
    await saveText(store, "a", "1", "x");
    await saveText(store, "a", "1", "four");
    const newest = await saveText(store, "a", "2", "xx");
    await saveText(store, "b", "1", "x");
    await store.artifacts.delete("b", "1");
    const { data } = await store.artifacts.listBuckets({ limit: 9 });
    expect(data).toEqual([{ name: "a", artifacts: 2, bytes: 6, newest_at: newest.created_at }]);
  });
});
