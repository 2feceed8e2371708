import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../../src/store/store.js";
import { expectNothingLeaked, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, storeOn, textOf } from "../../support/stores.js";

const start = 1_800_000_000;
const hour = 3_600;
const missing = { code: "artifact_not_found" };
const invalid = { code: "invalid_argument", details: { argument: "expires_in" } };
/** Unix seconds. */
let time: number;
let engines: MemoryEngines;
let store: Store;

const save = (text: string, options: object = {}) =>
  store.artifacts.save({ bucket: "b", key: "k", bytes: bytesOf(text), defaultMimeType: "text/plain", ...options });

async function upload(text: string, options: object = {}) {
  const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", ...options });
  await store.uploads.append(id, 0, bytesOf(text));
  return store.uploads.complete(id);
}

describe.each(pieceKinds)("with content $where", ({ pieceLimits }) => {
  beforeEach(() => {
    time = start;
    engines = createMemoryEngines();
    store = storeOn(engines, { now: () => time * 1000, monotonicMs: () => time * 1000, pieceLimits });
  });

  describe("expires_in", () => {
    it("counts from the publication, in saves and uploads", async () => {
      expect(await save("text", { expires_in: hour })).toMatchObject({ expires_at: start + hour });
      const { id } = await store.uploads.create({ bucket: "b", key: "u", expires_in: hour, size: 3 });
      expect(await store.uploads.get(id)).toMatchObject({ expires_in: hour });
      time += 100;
      const done = await store.uploads.append(id, 0, bytesOf("abc"));
      expect(done.artifact).toMatchObject({ expires_at: start + 100 + hour });
      expect(await store.artifacts.get("b", "u")).toEqual(done.artifact);
      expect(await save("new")).not.toHaveProperty("expires_at");
    });

    it("is refused out of range", async () => {
      await expect(save("text", { expires_in: hour - 1 })).rejects.toMatchObject(invalid);
      await expect(upload("text", { expires_in: 366 * 24 * hour })).rejects.toMatchObject(invalid);
    });

    it("belongs to the request that an idempotency key names", async () => {
      const request = { bucket: "b", key: "k", idempotency_key: "first", expires_in: hour };
      const { id } = await store.uploads.create(request);
      expect(await store.uploads.create(request)).toMatchObject({ id });
      const other = store.uploads.create({ ...request, expires_in: 2 * hour });
      await expect(other).rejects.toMatchObject({ code: "idempotency_conflict" });
    });
  });

  describe("a key whose newest version has expired", () => {
    beforeEach(async () => {
      await save("one", { metadata: { a: "1" } });
      await save("two", { expires_in: hour, metadata: { a: "1" }, idempotency_key: "first" });
      time += hour - 1;
      expect(await textOf(store, "b", "k")).toBe("two");
      time += 1;
    });

    it("is absent for every reader", async () => {
      const { artifacts, uploads } = store;
      for (const version of [undefined, 1, 2]) {
        await expect(artifacts.get("b", "k", version)).rejects.toMatchObject(missing);
        await expect(artifacts.open("b", "k", version)).rejects.toMatchObject(missing);
        const from = { bucket: "b", key: "k", version };
        await expect(uploads.create({ bucket: "b", key: "copy", from })).rejects.toMatchObject(missing);
      }
      await expect(artifacts.get("b", "k")).rejects.toThrow(
        /"k" in bucket "b" was .* has expired; its last version was 2/,
      );
      await expect(artifacts.listVersions("b", "k", { limit: 9 })).rejects.toMatchObject(missing);
      await expect(artifacts.list({ bucket: "b", limit: 9 })).rejects.toMatchObject({ code: "bucket_not_found" });
      await expect(artifacts.update({ bucket: "b", key: "k", metadata: {} })).rejects.toMatchObject(missing);
      expect((await artifacts.listAll({ limit: 9 })).data).toEqual([]);
    });

    it("is already deleted for a deletion, which frees it", async () => {
      expect(await store.artifacts.delete("b", "k")).toEqual({ bucket: "b", key: "k", already_deleted: true });
      expect(engines.metadata.rows.has("artifact\tb\tk")).toBe(false);
      expect(await save("three", { if_version: 0 })).toMatchObject({ version: 3 });
    });

    it("stays absent if its newest version alone is deleted", async () => {
      const gone = { bucket: "b", key: "k", version: 2, already_deleted: true };
      expect(await store.artifacts.delete("b", "k", { version: 2 })).toEqual(gone);
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject(missing);
      expect((await store.artifacts.listAll({ limit: 9 })).data).toEqual([]);
    });

    it("does not exist for a guard, and gets its next number on top of the older versions", async () => {
      await expect(save("three", { if_version: 2 })).rejects.toMatchObject({
        code: "version_conflict",
        details: { if_version: 2, version: 0 },
      });
      await expect(upload("three", { if_version: 2 })).rejects.toMatchObject({ details: { version: 0 } });
      const saved = await save("three", { if_version: 0 });
      expect(saved).toMatchObject({ version: 3 });
      expect(saved).not.toHaveProperty("previous_metadata");
      expect(await textOf(store, "b", "k", 1)).toBe("one");
      expect(await textOf(store, "b", "k", 2)).toBe("two");
      expectSound(engines);
      expectNothingLeaked(engines);
    });

    it("gets a new version of the same content", async () => {
      const metadata = { a: "1" };
      const saved = await save("two", { metadata, if_version: 0, isStrict: true, idempotency_key: "first" });
      expect(saved).toMatchObject({ version: 3 });
      expect(saved).not.toHaveProperty("already_saved");
      time += 1;
      const again = await save("two", { metadata, if_version: 0, isStrict: true, idempotency_key: "first" });
      expect(again).toEqual({ ...saved, already_saved: true });
    });

    it("gets a new version of the same content by an upload", async () => {
      const { artifact } = await upload("two", { metadata: { a: "1" }, if_version: 0 });
      expect(artifact).toMatchObject({ version: 3 });
      expect(artifact).not.toHaveProperty("already_saved");
    });

    it("is free for an upload that needs a key of its own", async () => {
      expect(await store.uploads.create({ bucket: "b", key: "k", isOwnKey: true })).toMatchObject({ key: "k" });
    });

    it("is there again for a clock that is behind, which may extend its time", async () => {
      const behind = storeOn(engines, { now: () => (time - 10) * 1000, pieceLimits });
      expect(await textOf(behind, "b", "k")).toBe("two");
      await behind.artifacts.update({ bucket: "b", key: "k", expires_in: null });
      expect(await textOf(store, "b", "k")).toBe("two");
    });
  });

  describe("content that is there already", () => {
    it("is a new version if it is saved with another expiry", async () => {
      await save("same", { expires_in: 2 * hour });
      time += hour;
      const longer = await save("same", { expires_in: 3 * hour });
      expect(longer).toMatchObject({ version: 2, expires_at: time + 3 * hour });
      const { artifact } = await upload("same", { expires_in: 4 * hour });
      expect(artifact).toMatchObject({ version: 3, expires_at: time + 4 * hour });
      expect(await save("same")).toMatchObject({ version: 4 });
      expect(await upload("same", { expires_in: hour })).toMatchObject({ artifact: { version: 5 } });
      expect((await store.artifacts.get("b", "k", 4)).expires_at).toBeUndefined();
      expectSound(engines);
      expectNothingLeaked(engines);
    });

    it("keeps the expiry that another writer has set since, under a guard", async () => {
      await save("same");
      const edited = await store.artifacts.update({ bucket: "b", key: "k", expires_in: 5 * hour });
      const conflict = { code: "version_conflict", details: { version: 1, edit: 1 } };
      await expect(save("same", { if_version: 1 })).rejects.toMatchObject(conflict);
      await expect(upload("same", { if_version: 1 })).rejects.toMatchObject(conflict);
      expect(await store.artifacts.get("b", "k")).toEqual(edited);
      expect(await save("same", { if_version: 1, if_edit: 1 })).toMatchObject({ version: 2 });
    });

    it("is not changed by a retry", async () => {
      const saved = await save("same", { expires_in: hour });
      time += 200;
      const before = new Map(engines.metadata.rows);
      expect(await save("same", { expires_in: hour, if_version: 0 })).toEqual({ ...saved, already_saved: true });
      expect(engines.metadata.rows).toEqual(before);
    });
  });

  describe("previous_expires_at", () => {
    it("tells a save and an upload that do not expire what the version before had", async () => {
      await save("one", { expires_in: hour });
      expect(await save("two")).toMatchObject({ version: 2, previous_expires_at: start + hour });
      expect(await save("three")).not.toHaveProperty("previous_expires_at");
      expect(await save("four", { expires_in: hour })).not.toHaveProperty("previous_expires_at");
      const { id, offset } = await store.uploads.create({ bucket: "b", key: "k", from: { bucket: "b", key: "k" } });
      await store.uploads.append(id, offset, bytesOf("+"));
      const done = await store.uploads.complete(id);
      expect(done.artifact).toMatchObject({ version: 5, previous_expires_at: start + hour });
      expect(await store.uploads.get(id)).toEqual(done);
    });

    it("tells a copy onto the key", async () => {
      await save("one", { expires_in: hour });
      await save("two", { key: "other" });
      const copied = await store.artifacts.copy({ bucket: "b", key: "other", to_key: "k" });
      expect(copied).toMatchObject({ version: 2, previous_expires_at: start + hour });
    });
  });

  describe("previous_metadata", () => {
    const metadata = { source: "sensor" };

    it("tells a save without metadata what the version before had", async () => {
      await save("one", { metadata });
      expect(await save("two")).toMatchObject({ version: 2, metadata: {}, previous_metadata: metadata });
      expect(await save("three")).not.toHaveProperty("previous_metadata");
      await save("four", { metadata });
      expect(await save("five", { metadata: { other: "1" } })).toMatchObject({ previous_metadata: metadata });
      const more = { other: "2", another: "3" };
      expect(await save("six", { metadata: more })).not.toHaveProperty("previous_metadata");
      expect(await store.artifacts.get("b", "k", 2)).not.toHaveProperty("previous_metadata");
    });

    it("tells a completion, whenever it is asked", async () => {
      await save("one", { metadata });
      const done = await upload("two");
      expect(done.artifact).toMatchObject({ version: 2, previous_metadata: metadata });
      expect(await store.uploads.get(done.id)).toEqual(done);
      expect((await upload("three")).artifact).not.toHaveProperty("previous_metadata");
    });
  });
});

describe("listings of a bucket with expired keys", () => {
  const names = Array.from({ length: 40 }, (_, n) => `${"abcd"[n % 4]}/${String(n).padStart(2, "0")}`).sort();
  /** All keys below `b/` and most below `c/` expire. */
  const expires = (key: string): boolean => key.startsWith("b/") || (key.startsWith("c/") && key !== "c/34");
  const live = names.filter((key) => !expires(key));

  beforeEach(async () => {
    time = start;
    engines = createMemoryEngines();
    store = storeOn(engines, { now: () => time * 1000 });
    for (const key of names) await save(key, { key, ...(expires(key) ? { expires_in: hour } : {}) });
    time += hour;
  });

  async function pages(limit: number, delimiter?: string): Promise<string[][]> {
    const found: string[][] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await store.artifacts.list({ bucket: "b", limit, delimiter, cursor });
      found.push([...page.data.map(({ key }) => key), ...page.prefixes]);
      cursor = page.next_cursor;
      if (cursor === undefined) return found;
    }
  }

  it.each([1, 2, 7, 20, 21, 22, 40])("are filled pages of %d without the expired keys", async (limit) => {
    const found = await pages(limit);
    expect(found.flat()).toEqual(live);
    expect(found.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
    expect(found.at(-1)?.length).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 9])("show the prefixes under which a key is left, %d on a page", async (limit) => {
    const found = await pages(limit, "/");
    expect(found.flat()).toEqual(["a/", "c/", "d/"]);
    expect(found.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
  });

  it("tell a prefix without live keys from an unknown bucket", async () => {
    const { artifacts } = store;
    expect(await artifacts.list({ bucket: "b", prefix: "b/", limit: 9 })).toEqual({ data: [], prefixes: [] });
    expect((await artifacts.listAll({ limit: 100 })).data.map(({ key }) => key)).toEqual(live);
  });

  it("read on in large steps", async () => {
    let reads = 0;
    const range: typeof engines.metadata.range = (...values) => {
      reads += 1;
      return engines.metadata.range(...values);
    };
    const counting = storeOn({ ...engines, metadata: { ...engines.metadata, range } }, { now: () => time * 1000 });
    const page = await counting.artifacts.list({ bucket: "b", prefix: "c/", limit: 1 });
    expect(page.data.map(({ key }) => key)).toEqual(["c/34"]);
    expect(reads).toBe(2);
  });
});
