import { describe, expect, it } from "vitest";
import { createMemoryEngines, saveText, storeOn } from "../../support/stores.js";

function open(options = {}) {
  const engines = createMemoryEngines();
  return { engines, store: storeOn(engines, options) };
}

describe("listings", () => {
  it("distinguish an unknown bucket from a prefix without matches", async () => {
    const { store } = open();
    await saveText(store, "b", "k", "x");
    expect(await store.artifacts.list({ bucket: "b", prefix: "zzz", limit: 1 })).toEqual({ data: [], prefixes: [] });
    await expect(store.artifacts.list({ bucket: "c", limit: 1 })).rejects.toMatchObject({ code: "bucket_not_found" });
    await expect(store.artifacts.get("c", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("have no cursor on a last page that is full", async () => {
    const { store } = open();
    for (const key of ["a", "b", "c", "d"]) await saveText(store, "b", key, key);
    const first = await store.artifacts.list({ bucket: "b", limit: 2 });
    const second = await store.artifacts.list({ bucket: "b", limit: 2, cursor: first.next_cursor });
    expect(second.data.map(({ key }) => key)).toEqual(["c", "d"]);
    expect(second.next_cursor).toBeUndefined();
    const versions = await store.artifacts.listVersions("b", "a", { limit: 1 });
    expect(versions.next_cursor).toBeUndefined();
  });

  it("refuse the cursor of another listing, and a changed cursor", async () => {
    const { store } = open();
    for (const key of ["a", "b", "c"]) await saveText(store, "b", key, key);
    const { next_cursor = "" } = await store.artifacts.list({ bucket: "b", limit: 1 });
    const bad = { code: "invalid_argument", details: { argument: "cursor" } };
    const { artifacts } = store;
    await expect(artifacts.list({ bucket: "c", limit: 1, cursor: next_cursor })).rejects.toMatchObject(bad);
    await expect(artifacts.list({ bucket: "b", prefix: "a", limit: 1, cursor: next_cursor })).rejects.toMatchObject(
      bad,
    );
    for (const cursor of ["", "!", `${next_cursor}A`, next_cursor.slice(1), "\0"]) {
      await expect(artifacts.list({ bucket: "b", limit: 1, cursor })).rejects.toMatchObject(bad);
      await expect(artifacts.listBuckets({ limit: 1, cursor })).rejects.toMatchObject(bad);
    }
  });
});

describe("the order of names", () => {
  it("is the order of their UTF-8 bytes, for buckets and keys", async () => {
    const { store } = open();
    const keys = ["a", "a b", "a-b", "a/b", "a=b", "z", "é", "\uffee", "😀"];
    for (const key of [...keys].reverse()) await saveText(store, "data", key, "x");
    for (const bucket of ["data-2", "data.1", "data2"]) await saveText(store, bucket, "k", "x");
    const listed = await store.artifacts.list({ bucket: "data", limit: 100 });
    expect(listed.data.map(({ key }) => key)).toEqual(keys);
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.artifacts.listBuckets({ limit: 1, ...(cursor === undefined ? {} : { cursor }) });
      names.push(...page.data.map(({ name }) => name));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(names).toEqual(["data", "data-2", "data.1", "data2"]);
    expect((await store.artifacts.listBuckets({ limit: 9, prefix: "data-" })).data).toMatchObject([{ name: "data-2" }]);
  });

  it("is kept when keys are grouped by any delimiter, page by page", async () => {
    const { store } = open();
    for (const key of ["2026=a", "2026=b", "2027=a", "x", "y=1"]) await saveText(store, "b", key, "x");
    const first = await store.artifacts.list({ bucket: "b", delimiter: "=", limit: 2 });
    expect([first.prefixes, first.data]).toEqual([["2026=", "2027="], []]);
    const second = await store.artifacts.list({ bucket: "b", delimiter: "=", limit: 9, cursor: first.next_cursor });
    expect([second.prefixes, second.data.map(({ key }) => key)]).toEqual([["y="], ["x"]]);
    expect(second.next_cursor).toBeUndefined();
  });
});
