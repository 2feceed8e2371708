import { describe, expect, it } from "vitest";
import type { Entry, MetadataStore } from "../../src/store/ports/metadata-store.js";

/** What every implementation of the metadata port has to do. `open` gives an empty store that the test owns. */
export function metadataStoreContract(name: string, open: () => Promise<MetadataStore>): void {
  const positions = (entries: readonly Entry[]) =>
    entries.map((entry) => ("row" in entry ? entry.row.key : entry.group));

  async function filled(keys: readonly string[]): Promise<MetadataStore> {
    const store = await open();
    for (const key of keys) await store.put(key, `{"of":"${key}"}`);
    return store;
  }

  describe(`${name} as a MetadataStore`, () => {
    it("get() answers the text that was put, and undefined for a key that is not there", async () => {
      const store = await open();
      await store.put("session:a", '{"text":"é \\u0000 😀"}');
      expect(await store.get("session:a")).toBe('{"text":"é \\u0000 😀"}');
      expect(await store.get("session:b")).toBeUndefined();
    });

    it("getMany() keeps the order of its keys and leaves absent rows undefined", async () => {
      const store = await filled(["a:1", "a:2"]);
      expect(await store.getMany(["a:2", "a:0", "a:1"])).toEqual(['{"of":"a:2"}', undefined, '{"of":"a:1"}']);
      expect(await store.getMany([])).toEqual([]);
    });

    it("put() overwrites and drop() removes, also what is not there", async () => {
      const store = await open();
      await store.put("freed:a", "1");
      await store.put("freed:a", "2");
      expect(await store.get("freed:a")).toBe("2");
      await store.drop("freed:a");
      await store.drop("freed:a");
      expect(await store.get("freed:a")).toBeUndefined();
    });

    it("replace() inserts only where the row is absent", async () => {
      const store = await open();
      expect(await store.replace("session:a", undefined, "1")).toBe(true);
      expect(await store.replace("session:a", undefined, "2")).toBe(false);
      expect(await store.get("session:a")).toBe("1");
    });

    it("replace() updates and deletes only the text that was read", async () => {
      const store = await open();
      await store.put("session:a", "1");
      expect(await store.replace("session:a", "0", "2")).toBe(false);
      expect(await store.replace("session:a", "1", "2")).toBe(true);
      expect(await store.replace("session:a", "1", undefined)).toBe(false);
      expect(await store.replace("session:a", "2", undefined)).toBe(true);
      expect(await store.get("session:a")).toBeUndefined();
      expect(await store.replace("session:a", "2", "3")).toBe(false);
    });

    it("replace() inserts, updates and deletes only while its guard is as it was read", async () => {
      const store = await open();
      await store.put("session:g", "open");
      for (const guard of [
        { key: "session:g", text: "other" },
        { key: "session:g", text: undefined },
        { key: "session:none", text: "open" },
      ]) {
        expect(await store.replace("artifact:b:k", undefined, "1", guard)).toBe(false);
      }
      const held = { key: "session:g", text: "open" };
      const absent = { key: "session:none", text: undefined };
      expect(await store.replace("artifact:b:k", undefined, "1", held)).toBe(true);
      expect(await store.replace("artifact:b:k", "1", "2", { key: "session:g", text: "other" })).toBe(false);
      expect(await store.replace("artifact:b:k", "1", "2", absent)).toBe(true);
      expect(await store.replace("artifact:b:k", "2", undefined, { key: "session:g", text: undefined })).toBe(false);
      expect(await store.replace("artifact:b:k", "2", undefined, held)).toBe(true);
      expect(await store.get("session:g")).toBe("open");
    });

    it("replace() judges each of many rows at once by itself", async () => {
      const store = await open();
      const rows = Array.from({ length: 100 }, (_, n) => `session:${n}`);
      await Promise.all(rows.map((key) => store.put(key, "0")));
      const isRight = (n: number): boolean => n % 3 !== 0;
      const won = await Promise.all(rows.map((key, n) => store.replace(key, isRight(n) ? "0" : "1", `now ${n}`)));
      expect(won).toEqual(rows.map((_, n) => isRight(n)));
      expect(await store.getMany(rows)).toEqual(rows.map((_, n) => (isRight(n) ? `now ${n}` : "0")));
    });

    it("replace() of rows that are changed, deleted and inserted at once lets one of each kind win", async () => {
      const store = await open();
      await store.put("session:a", "0");
      await store.put("session:b", "0");
      const won = await Promise.all([
        store.replace("session:a", "0", "1"),
        store.replace("session:b", "0", "1"),
        store.replace("session:a", "0", "2"),
        store.replace("session:b", "0", undefined),
        store.replace("session:c", undefined, "0"),
        store.replace("session:d", "0", "1"),
      ]);
      const [a, b, otherA, dropB, c, d] = won;
      expect([a !== otherA, b !== dropB, c, d]).toEqual([true, true, true, false]);
      expect(await store.getMany(["session:a", "session:b", "session:c", "session:d"])).toEqual([
        a ? "1" : "2",
        b ? "1" : undefined,
        "0",
        undefined,
      ]);
    });

    it("replace() lets exactly one of many at once win", async () => {
      const store = await open();
      await store.put("session:a", "0");
      const won = await Promise.all(Array.from({ length: 30 }, (_, n) => store.replace("session:a", "0", `by ${n}`)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await store.get("session:a")).toBe(`by ${won.indexOf(true)}`);
    });

    it("range() answers rows in the order of their bytes, under the prefix alone", async () => {
      const keys = [
        "artifact:b:a",
        "artifact:b:a-b",
        "artifact:b:a.c",
        "artifact:b:a/b",
        "artifact:b:a0",
        "artifact:b:aA",
      ];
      const store = await filled([
        ...keys,
        "artifact:b:a_",
        "artifact:b:aa",
        "artifact:c:a",
        "artifact:b-:a",
        "session:x",
      ]);
      const found = await store.range("artifact:b:", { limit: 100 });
      expect(found.map(({ key }) => key)).toEqual([...keys, "artifact:b:a_", "artifact:b:aa"]);
      expect(found[0]?.text).toBe('{"of":"artifact:b:a"}');
    });

    it("range() includes the key that is the prefix itself", async () => {
      const store = await filled(["artifact:b:a", "artifact:b:ab", "artifact:b:b"]);
      const found = await store.range("artifact:b:a", { limit: 10 });
      expect(found.map(({ key }) => key)).toEqual(["artifact:b:a", "artifact:b:ab"]);
    });

    it("range() goes on behind `after`, which need not be there any more", async () => {
      const store = await filled(["u:1", "u:2", "u:2-a", "u:3"]);
      expect((await store.range("u:", { after: "u:2", limit: 2 })).map(({ key }) => key)).toEqual(["u:2-a", "u:3"]);
      expect((await store.range("u:", { after: "u:1z", limit: 1 })).map(({ key }) => key)).toEqual(["u:2"]);
      expect(await store.range("u:", { after: "u:3", limit: 1 })).toEqual([]);
    });

    it("grouped() rolls up what is behind the delimiter, among the rows that are not", async () => {
      const store = await filled(["p:a", "p:b/1", "p:b/2/3", "p:b-x", "p:c", "p:d/1", "q:a/b"]);
      expect(positions(await store.grouped("p:", "/", { limit: 100 }))).toEqual([
        "p:a",
        "p:b-x",
        "p:b/",
        "p:c",
        "p:d/",
      ]);
      expect(positions(await store.grouped("p:b/", "/", { limit: 100 }))).toEqual(["p:b/1", "p:b/2/"]);
      expect(positions(await store.grouped("p:b", "/", { limit: 100 }))).toEqual(["p:b-x", "p:b/"]);
      const [first] = await store.grouped("p:", "/", { limit: 1 });
      expect(first).toEqual({ row: { key: "p:a", text: '{"of":"p:a"}' } });
    });

    it("grouped() in pages of any size answers the same as at once", async () => {
      const keys = ["a", "a/1", "a/2", "a0", "b/x", "b/y/z", "c/", "ca"].map((key) => `p:${key}`);
      const store = await filled([...keys, "p", "q:z"]);
      const whole = positions(await store.grouped("p:", "/", { limit: 100 }));
      for (const limit of [1, 2, 3]) {
        const pages: string[] = [];
        for (;;) {
          const page = positions(await store.grouped("p:", "/", { after: pages.at(-1), limit }));
          pages.push(...page);
          if (page.length < limit) break;
        }
        expect(pages).toEqual(whole);
      }
    });

    it("grouped() takes any character of a key for a delimiter, the row separator too", async () => {
      const store = await filled(["artifact:a:1", "artifact:a:2", "artifact:b:1", "artifact:bb:1"]);
      const buckets = ["artifact:a:", "artifact:b:", "artifact:bb:"];
      expect(positions(await store.grouped("artifact:", ":", { limit: 9 }))).toEqual(buckets);
      expect(positions(await store.grouped("artifact:b", ":", { limit: 9 }))).toEqual(buckets.slice(1));
      expect(positions(await store.grouped("artifact:", "b", { limit: 9 }))).toEqual([
        "artifact:a:1",
        "artifact:a:2",
        "artifact:b",
      ]);
    });

    it("changeToken() changes with every change and stays without one", async () => {
      const store = await open();
      const before = await store.changeToken();
      expect(await store.changeToken()).toBe(before);
      await store.put("a:1", "1");
      const after = await store.changeToken();
      expect(after).not.toBe(before);
      await store.replace("a:1", "1", "2");
      expect(await store.changeToken()).not.toBe(after);
    });
  });
}
