import { describe, expect, it } from "vitest";
import type { BlobStore } from "../../../src/store/ports/content-store.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import { failOnce } from "../../support/faults.js";
import { expectNothingLeaked } from "../../support/invariants.js";
import { createMemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

/** Lets `other` happen once, right after the first read of an artifact row. */
function racing(metadata: MetadataStore, other: () => Promise<unknown>): MetadataStore {
  let isOver = false;
  return {
    ...metadata,
    async get(key) {
      const text = await metadata.get(key);
      if (!isOver && key.startsWith("artifact:")) {
        isOver = true;
        await other();
      }
      return text;
    },
  };
}

function open(options = {}) {
  const engines = createMemoryEngines();
  return { engines, store: storeOn(engines, options) };
}

describe("save()", () => {
  it("makes a new version each time and keeps the older ones readable", async () => {
    const { store } = open();
    expect(await saveText(store, "b", "k", "one")).toMatchObject({ version: 1, bytes: 3, mime_type: "text/plain" });
    expect(await saveText(store, "b", "k", "two")).toMatchObject({ version: 2 });
    expect(await textOf(store, "b", "k")).toBe("two");
    expect(await textOf(store, "b", "k", 1)).toBe("one");
  });

  it("of what is there already makes none and writes nothing, whatever if_version says", async () => {
    const { store, engines } = open();
    const first = await saveText(store, "b", "k", "same");
    const before = [...engines.metadata.rows];
    expect(await saveText(store, "b", "k", "same", 0)).toEqual(first);
    expect([...engines.metadata.rows]).toEqual(before);
    expect(engines.blobs.blobs.size).toBe(1);
  });

  it("takes if_version 0 for a new key, and n for the newest version n", async () => {
    const { store, engines } = open();
    await saveText(store, "b", "k", "one", 0);
    await saveText(store, "b", "k", "two", 1);
    for (const [text, guard] of [["three", 0] as const, ["three", 1] as const, ["three", 3] as const]) {
      const conflict = { code: "version_conflict", details: { if_version: guard, version: 2 } };
      await expect(saveText(store, "b", "k", text, guard)).rejects.toMatchObject(conflict);
    }
    await expect(saveText(store, "b", "other", "x", 1)).rejects.toMatchObject({ details: { version: 0 } });
    expect(engines.blobs.blobs.size).toBe(2);
    expect([...engines.metadata.rows.keys()].filter((key) => key.startsWith("session:"))).toEqual([]);
  });

  it("lets every one of many savers at once have a version of its own", async () => {
    const { store, engines } = open();
    const saved = await Promise.all(Array.from({ length: 20 }, (_, n) => saveText(store, "b", "k", `text ${n}`)));
    expect(saved.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
    for (const [n, { version }] of saved.entries()) expect(await textOf(store, "b", "k", version)).toBe(`text ${n}`);
    expect(engines.blobs.segments.size).toBe(0);
  });

  it("lets exactly one of many that guard with the same if_version win", async () => {
    const { store, engines } = open();
    const tries = Array.from({ length: 10 }, (_, n) => saveText(store, "b", "k", `text ${n}`, 0));
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "version_conflict" });
    }
    expect(engines.blobs.blobs.size).toBe(1);
  });

  it("drops the oldest versions past keepVersions, with their bytes", async () => {
    const { store, engines } = open({ keepVersions: 3 });
    for (let n = 1; n <= 5; n += 1) await saveText(store, "b", "k", `text ${n}`);
    const { data } = await store.artifacts.listVersions("b", "k", { limit: 10 });
    expect(data.map(({ version }) => version)).toEqual([5, 4, 3]);
    expect(engines.blobs.blobs.size).toBe(3);
    expect([...engines.metadata.rows.keys()].filter((key) => key.startsWith("freed:"))).toEqual([]);
  });

  it("leaves nothing behind where its bytes cannot be written", async () => {
    const engines = createMemoryEngines();
    const full = { ...engines.blobs, install: () => Promise.reject(new ArtifactError("storage_full", "full")) };
    const store = storeOn({ metadata: engines.metadata, blobs: full });
    await expect(saveText(store, "b", "k", "text")).rejects.toMatchObject({ code: "storage_full" });
    expect([...engines.metadata.rows.keys()]).toEqual([]);
    expect(engines.blobs.segments.size).toBe(0);
  });
});

describe("save() where a step fails", () => {
  it("leaves no blob that nothing names, whichever step it is", async () => {
    for (let failing = 1; ; failing += 1) {
      const engines = createMemoryEngines();
      await saveText(storeOn(engines), "b", "k", "there");
      const view = failOnce(engines, failing);
      // Loses to the other save, so that what it has installed has to be taken back.
      const other = { ...view, metadata: racing(view.metadata, () => saveText(storeOn(engines), "b", "k", "other")) };
      const saved = await saveText(storeOn(other), "b", "k", "mine", 1).catch((error) => error.code);
      expect(["internal", "version_conflict"]).toContain(saved);
      if (saved === "internal") await storeOn(engines).artifacts.delete("b", "k");
      await storeOn(engines).sweep.run(); // frees what could not be freed
      expectNothingLeaked(engines);
      if (view.steps() < failing) break;
    }
  });
});

describe("save() on a disk that is full behind its first row", () => {
  it("takes back what it has stored, in the room that the reserve gives", async () => {
    const engines = createMemoryEngines();
    const { metadata, blobs } = engines;
    let rows = 0;
    const full: Pick<MetadataStore, "replace"> = {
      async replace(...change) {
        rows += 1;
        if (rows > 1) throw new ArtifactError("storage_full", "full");
        return metadata.replace(...change);
      },
    };
    const reserve: Pick<BlobStore, "releaseReserve"> = {
      async releaseReserve() {
        rows = Number.NEGATIVE_INFINITY;
        return blobs.releaseReserve();
      },
    };
    const store = storeOn({ metadata: { ...metadata, ...full }, blobs: { ...blobs, ...reserve } });
    await expect(saveText(store, "b", "k", "text")).rejects.toMatchObject({ code: "storage_full" });
    expectNothingLeaked(engines);
    expect(engines.blobs.segments.size).toBe(0);
  });
});

describe("delete()", () => {
  it("takes all versions and answers the newest; the bytes are gone with it", async () => {
    const { store, engines } = open();
    await saveText(store, "b", "k", "one");
    const newest = await saveText(store, "b", "k", "two");
    expect(await store.artifacts.delete("b", "k")).toEqual(newest);
    expect(engines.blobs.blobs.size).toBe(0);
    expect([...engines.metadata.rows.keys()]).toEqual(["changed"]);
    await expect(store.artifacts.delete("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("of one version leaves the others, and its number is not given again", async () => {
    const { store, engines } = open();
    for (const text of ["one", "two", "three"]) await saveText(store, "b", "k", text);
    expect(await store.artifacts.delete("b", "k", 3)).toMatchObject({ version: 3 });
    expect(await textOf(store, "b", "k")).toBe("two");
    expect(await saveText(store, "b", "k", "four", 2)).toMatchObject({ version: 4 });
    await store.artifacts.delete("b", "k", 1);
    const { data } = await store.artifacts.listVersions("b", "k", { limit: 10 });
    expect(data.map(({ version }) => version)).toEqual([4, 2]);
    expect(engines.blobs.blobs.size).toBe(2);
    await expect(store.artifacts.delete("b", "k", 3)).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("gives up the reserve on a full disk, and takes it again", async () => {
    const engines = createMemoryEngines();
    const metadata = engines.metadata;
    const store = storeOn(engines);
    await saveText(store, "b", "k", "text");
    const tight: string[] = [];
    const blobs = {
      ...engines.blobs,
      releaseReserve: async () => tight.push("released") > 0,
      restoreReserve: async () => void tight.push("restored"),
    };
    const put = async (key: string, text: string): Promise<void> => {
      if (tight.length === 0) throw new ArtifactError("storage_full", "full");
      await metadata.put(key, text);
    };
    const full = storeOn({ metadata: { ...metadata, put }, blobs });
    expect(await full.artifacts.delete("b", "k")).toMatchObject({ version: 1 });
    expect(tight).toEqual(["released", "restored", "restored"]);
  });

  it("that has happened is answered, whatever becomes of its bytes, and what can be freed is", async () => {
    const engines = createMemoryEngines();
    for (const text of ["one", "two", "three"]) await saveText(storeOn(engines), "b", "k", text);
    const first = [...engines.blobs.blobs.keys()].at(-1); // of the newest version, which is freed first
    const removeBlob = (id: string): Promise<void> =>
      id === first ? Promise.reject(new ArtifactError("internal", "EIO")) : engines.blobs.removeBlob(id);
    const failing = storeOn({ metadata: engines.metadata, blobs: { ...engines.blobs, removeBlob } });
    expect(await failing.artifacts.delete("b", "k")).toMatchObject({ version: 3 });
    expect([...engines.blobs.blobs.keys()]).toEqual([first]);
    expect([...engines.metadata.rows.keys()].filter((key) => key.startsWith("freed:"))).toEqual([`freed:${first}`]);
  });

  it("whose row was changed although the change was answered with an error is carried to its end", async () => {
    const engines = createMemoryEngines();
    await saveText(storeOn(engines), "b", "k", "text");
    const replace: typeof engines.metadata.replace = async (...change) => {
      await engines.metadata.replace(...change);
      throw new ArtifactError("internal", "busy");
    };
    const failing = storeOn({ metadata: { ...engines.metadata, replace }, blobs: engines.blobs });
    expect(await failing.artifacts.delete("b", "k")).toMatchObject({ version: 1 });
    expect(engines.blobs.blobs.size).toBe(0);
  });
});

describe("open()", () => {
  it("answers from a reader that outlives the artifact", async () => {
    const { store } = open();
    await saveText(store, "b", "k", "content");
    const { artifact, read, close } = await store.artifacts.open("b", "k");
    await store.artifacts.delete("b", "k");
    expect(Buffer.from(await read(3, 100)).toString()).toBe("tent");
    expect(artifact).toMatchObject({ bytes: 7 });
    await close();
  });

  it("names a blob that is missing or cut short as corrupt", async () => {
    const { store, engines } = open();
    await saveText(store, "b", "k", "content");
    const [blob] = engines.blobs.blobs.values();
    if (blob) blob.bytes = blob.bytes.subarray(0, 3);
    await expect(textOf(store, "b", "k")).rejects.toMatchObject({ code: "corrupt", details: { key: "k", version: 1 } });
    engines.blobs.blobs.clear();
    await expect(store.artifacts.open("b", "k")).rejects.toMatchObject({ code: "corrupt" });
  });

  it("names a row that does not parse as corrupt, never as a miss", async () => {
    const { store, engines } = open();
    await saveText(store, "b", "k", "content");
    for (const text of ["garbage", "{}", '{"revision":"x"}']) {
      engines.metadata.rows.set("artifact:b:k", text);
      const corrupt = { code: "corrupt", details: { row: "artifact:b:k" } };
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject(corrupt);
      await expect(store.artifacts.list({ bucket: "b", limit: 1 })).rejects.toMatchObject(corrupt);
      await expect(saveText(store, "b", "k", "new")).rejects.toMatchObject(corrupt);
    }
  });
});

describe("listings", () => {
  it("tell an unknown bucket from a prefix that nothing begins with", async () => {
    const { store } = open();
    await saveText(store, "b", "k", "x");
    expect(await store.artifacts.list({ bucket: "b", prefix: "zzz", limit: 1 })).toEqual({ data: [], prefixes: [] });
    await expect(store.artifacts.list({ bucket: "c", limit: 1 })).rejects.toMatchObject({ code: "bucket_not_found" });
    await expect(store.artifacts.get("c", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("end without a cursor on a last page that is full", async () => {
    const { store } = open();
    for (const key of ["a", "b", "c", "d"]) await saveText(store, "b", key, key);
    const first = await store.artifacts.list({ bucket: "b", limit: 2 });
    const second = await store.artifacts.list({ bucket: "b", limit: 2, cursor: first.next_cursor });
    expect(second.data.map(({ key }) => key)).toEqual(["c", "d"]);
    expect(second.next_cursor).toBeUndefined();
    const versions = await store.artifacts.listVersions("b", "a", { limit: 1 });
    expect(versions.next_cursor).toBeUndefined();
  });

  it("refuse a cursor of another listing, and one that was changed", async () => {
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
