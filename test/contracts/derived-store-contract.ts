import { describe, expect, it } from "vitest";
import type { DerivedStore } from "../../src/store/ports/derived-store.js";

const one = "0123456789abcdef".repeat(4);
/** Begins with the same characters. */
const neighbour = `${one.slice(0, 63)}0`;
const dayMs = 24 * 60 * 60 * 1000;

/** A store that a test owns, and what it can do to its entries. */
export interface DerivedStoreHarness {
  readonly store: DerivedStore;
  /** Makes an entry older: as if it had last been used so long ago. */
  age(sha256: string, name: string, ms: number): Promise<void>;
}

/** The tests that every store of derived facts has to pass. */
export function derivedStoreContract(engine: string, begin: () => Promise<DerivedStoreHarness>): void {
  const text = async (store: DerivedStore, sha256: string, name: string): Promise<string | undefined> => {
    const bytes = await store.get(sha256, name);
    return bytes && Buffer.from(bytes).toString();
  };

  describe(`${engine} as a DerivedStore`, () => {
    it("get() returns what was put last, by digest and name", async () => {
      const { store } = await begin();
      expect(await store.get(one, "lines")).toBeUndefined();
      await store.put(one, "lines", Buffer.from("first"));
      await store.put(one, "lines", Buffer.from("second"));
      await store.put(one, "description-x", Buffer.from("other name"));
      await store.put(neighbour, "lines", Buffer.from("other digest"));
      expect(await text(store, one, "lines")).toBe("second");
      expect(await text(store, one, "description-x")).toBe("other name");
      expect(await text(store, neighbour, "lines")).toBe("other digest");
    });

    it("an entry may be empty, and may be large", async () => {
      const { store } = await begin();
      await store.put(one, "empty", new Uint8Array());
      await store.put(one, "large", Buffer.alloc(1024 * 1024, 7));
      expect(await store.get(one, "empty")).toHaveLength(0);
      expect(await store.get(one, "large")).toHaveLength(1024 * 1024);
    });

    it("an entry is not changed by whoever put it or got it", async () => {
      const { store } = await begin();
      const bytes = Buffer.from("kept");
      await store.put(one, "lines", bytes);
      bytes.fill(0);
      (await store.get(one, "lines"))?.fill(0);
      expect(await text(store, one, "lines")).toBe("kept");
    });

    it("remove() removes all entries of one content, and may be called again", async () => {
      const { store } = await begin();
      for (const name of ["lines", "description-x"]) await store.put(one, name, Buffer.from(name));
      await store.put(neighbour, "lines", Buffer.from("stays"));
      await store.remove(one);
      await store.remove(one);
      expect(await store.get(one, "lines")).toBeUndefined();
      expect(await store.get(one, "description-x")).toBeUndefined();
      expect(await text(store, neighbour, "lines")).toBe("stays");
    });

    it("removeUnused() removes what nobody has got or put for so long", async () => {
      const { store, age } = await begin();
      expect(await store.removeUnused(30 * dayMs)).toBe(0);
      for (const name of ["old", "got", "new"]) await store.put(one, name, Buffer.from(name));
      for (const name of ["old", "got"]) await age(one, name, 31 * dayMs);
      expect(await text(store, one, "got")).toBe("got");
      expect(await store.removeUnused(30 * dayMs)).toBe(1);
      expect(await store.get(one, "old")).toBeUndefined();
      expect(await text(store, one, "got")).toBe("got");
      expect(await text(store, one, "new")).toBe("new");
    });

    it("calls at the same time leave one whole entry, or none", async () => {
      const { store } = await begin();
      const texts = Array.from({ length: 20 }, (_, n) => String(n).repeat(10_000));
      await Promise.all(texts.map((entry) => store.put(one, "lines", Buffer.from(entry))));
      expect(texts).toContain(await text(store, one, "lines"));
      await Promise.all([...texts.map((entry) => store.put(one, "lines", Buffer.from(entry))), store.remove(one)]);
      expect([...texts, undefined]).toContain(await text(store, one, "lines"));
    });
  });
}
