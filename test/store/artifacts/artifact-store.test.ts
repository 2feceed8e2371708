import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import type { StoreOptions } from "../../../src/store/store.js";
import { failOnce } from "../../support/faults.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

/** Runs `other` once, right after the first read of an artifact row. */
function racing(metadata: MetadataStore, other: () => Promise<unknown>): MetadataStore {
  let isOver = false;
  return {
    ...metadata,
    async getMany(keys) {
      const texts = await metadata.getMany(keys);
      if (!isOver && keys.some((key) => key.startsWith("artifact\t"))) {
        isOver = true;
        await other();
      }
      return texts;
    },
  };
}

const rowsOf = ({ metadata }: MemoryEngines, prefix: string): string[] =>
  [...metadata.rows.keys()].filter((key) => key.startsWith(prefix));
const piecesIn = ({ metadata, content }: MemoryEngines): number => metadata.pieceMap.size + content.files.size;

describe.each(pieceKinds)("with content $where", ({ pieceLimits }) => {
  function open(options: Partial<StoreOptions> = {}) {
    const engines = createMemoryEngines();
    return { engines, store: storeOn(engines, { pieceLimits, ...options }) };
  }
  const on = (engines: Pick<StoreOptions, "metadata" | "content">) => storeOn(engines, { pieceLimits });

  describe("save()", () => {
    it("makes a new version each time and keeps the older ones readable", async () => {
      const { store, engines } = open();
      expect(await saveText(store, "b", "k", "one")).toMatchObject({ version: 1, bytes: 3, mime_type: "text/plain" });
      expect(await saveText(store, "b", "k", "two four")).toMatchObject({ version: 2 });
      expect(await textOf(store, "b", "k")).toBe("two four");
      expect(await textOf(store, "b", "k", 1)).toBe("one");
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("makes no version of the content that the newest version has, and says so, whatever if_version is", async () => {
      const { store, engines } = open();
      const first = await saveText(store, "b", "k", "same");
      expect(first).not.toHaveProperty("already_saved");
      const before = new Map(engines.metadata.rows);
      expect(await saveText(store, "b", "k", "same", 0)).toEqual({ ...first, already_saved: true });
      expect(await saveText(store, "b", "k", "same")).toEqual({ ...first, already_saved: true });
      expect(engines.metadata.rows).toEqual(before);
      expect(await store.artifacts.get("b", "k")).toEqual(first);
      expectNothingLeft(engines);
    });

    it("accepts if_version 0 for a new key, and n for the newest version n", async () => {
      const { store, engines } = open();
      await saveText(store, "b", "k", "one", 0);
      await saveText(store, "b", "k", "two", 1);
      const before = new Map(engines.metadata.rows);
      for (const [text, guard] of [["three", 0] as const, ["three", 1] as const, ["three", 3] as const]) {
        const conflict = {
          code: "version_conflict",
          next: "save_on_newest",
          details: { if_version: guard, version: 2 },
        };
        await expect(saveText(store, "b", "k", text, guard)).rejects.toMatchObject(conflict);
      }
      await expect(saveText(store, "b", "other", "x", 1)).rejects.toMatchObject({ details: { version: 0 } });
      expect(engines.metadata.rows).toEqual(before);
      expectNothingLeft(engines);
    });

    it("gives each of many saves at once a version of its own", async () => {
      const { store, engines } = open();
      const saved = await Promise.all(Array.from({ length: 20 }, (_, n) => saveText(store, "b", "k", `text ${n}`)));
      expect(saved.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, n) => n + 1),
      );
      for (const [n, { version }] of saved.entries()) expect(await textOf(store, "b", "k", version)).toBe(`text ${n}`);
      expectNothingLeft(engines);
    });

    it("lets exactly one of many saves with the same if_version win", async () => {
      const { store, engines } = open();
      const tries = Array.from({ length: 10 }, (_, n) => saveText(store, "b", "k", `text ${n}`, 0));
      const results = await Promise.allSettled(tries);
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "version_conflict" });
      }
      expect(piecesIn(engines)).toBe(1);
      expectNothingLeft(engines);
    });

    it("drops the oldest versions beyond keepVersions, with their bytes", async () => {
      const { store, engines } = open({ keepVersions: 3 });
      for (let n = 1; n <= 5; n += 1) await saveText(store, "b", "k", `text ${n}`);
      const { data } = await store.artifacts.listVersions("b", "k", { limit: 10 });
      expect(data.map(({ version }) => version)).toEqual([5, 4, 3]);
      expect(piecesIn(engines)).toBe(3);
      await store.close();
      expect(rowsOf(engines, "freed\t")).toEqual([]);
      expectNothingLeft(engines);
    });

    it("leaves nothing behind if its bytes cannot be written", async () => {
      const engines = createMemoryEngines();
      const full = new ArtifactError("storage_full", "full");
      const createPiece = () => Promise.reject(full);
      const change: typeof engines.metadata.change = (rows, pieces) =>
        pieces?.put?.length ? Promise.reject(full) : engines.metadata.change(rows, pieces);
      const store = on({
        metadata: { ...engines.metadata, change },
        content: { ...engines.content, createPiece },
      });
      await expect(saveText(store, "b", "k", "text")).rejects.toMatchObject({ code: "storage_full" });
      expect(rowsOf(engines, "artifact\t")).toEqual([]);
      expectNothingLeft(engines);
      const open = rowsOf(engines, "session\t").filter((key) => engines.metadata.rows.get(key)?.includes('"open"'));
      expect(open).toEqual([]);
    });
  });

  describe("save() with a step that fails", () => {
    it("leaves no piece without a row, whichever step it is", async () => {
      for (let failing = 1; ; failing += 1) {
        const engines = createMemoryEngines();
        await saveText(on(engines), "b", "k", "there");
        const view = failOnce(engines, failing);
        // This save loses to the other one, so it has to remove the bytes that it has stored.
        const other = { ...view, metadata: racing(view.metadata, () => saveText(on(engines), "b", "k", "other")) };
        const saved = await saveText(on(other), "b", "k", "mine", 1).catch((error) => error.code);
        expect(["internal", "version_conflict"]).toContain(saved);
        if (saved === "internal") await on(engines).artifacts.delete("b", "k");
        await on(engines).sweep.run({ graceMs: 0, trustsClock: true }); // removes pieces whose removal failed
        expectSound(engines);
        expectNothingLeaked(engines);
        if (view.steps() < failing) break;
      }
    });
  });

  describe("save() on a disk that is full after its first change", () => {
    it("removes the bytes that it has stored, with the space of the reserve", async () => {
      const engines = createMemoryEngines();
      const { metadata, content } = engines;
      let changes = 0;
      const change: typeof metadata.change = async (...values) => {
        changes += 1;
        if (changes > 1) throw new ArtifactError("storage_full", "full");
        return metadata.change(...values);
      };
      const releaseReserve = async (): Promise<boolean> => {
        changes = Number.NEGATIVE_INFINITY;
        return content.releaseReserve();
      };
      const store = on({ metadata: { ...metadata, change }, content: { ...content, releaseReserve } });
      await expect(saveText(store, "b", "k", "text")).rejects.toMatchObject({ code: "storage_full" });
      expectNothingLeaked(engines);
      expectNothingLeft(engines);
    });
  });

  describe("delete()", () => {
    it("removes all versions with their bytes, keeps the last number, and returns the newest", async () => {
      const { store, engines } = open();
      await saveText(store, "b", "k", "one");
      const newest = await saveText(store, "b", "k", "two");
      expect(await store.artifacts.delete("b", "k")).toEqual({ ...newest, deleted_versions: 2, last_version: 2 });
      expect(piecesIn(engines)).toBe(0);
      await store.close();
      expect(rowsOf(engines, "artifact\t")).toEqual([]);
      expect(rowsOf(engines, "freed\t")).toEqual([]);
      expect(JSON.parse(engines.metadata.rows.get("gone\tb\tk") ?? "")).toMatchObject({ last: 2 });
      await expect(store.artifacts.list({ bucket: "b", limit: 1 })).rejects.toMatchObject({ code: "bucket_not_found" });
    });

    it("removes one version, keeps the others, and never gives its number again", async () => {
      const { store, engines } = open();
      for (const text of ["one", "two", "three"]) await saveText(store, "b", "k", text);
      expect(await store.artifacts.delete("b", "k", { version: 3 })).toMatchObject({ version: 3 });
      expect(await textOf(store, "b", "k")).toBe("two");
      expect(await saveText(store, "b", "k", "four", 2)).toMatchObject({ version: 4 });
      await store.artifacts.delete("b", "k", { version: 1 });
      const { data } = await store.artifacts.listVersions("b", "k", { limit: 10 });
      expect(data.map(({ version }) => version)).toEqual([4, 2]);
      expect(piecesIn(engines)).toBe(2);
      const gone = { bucket: "b", key: "k", version: 3, already_deleted: true };
      expect(await store.artifacts.delete("b", "k", { version: 3 })).toEqual(gone);
    });

    it("with if_version deletes only if the newest version has that number", async () => {
      const { store } = open();
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      for (const [version, if_version] of [[undefined, 1] as const, [1, 1] as const, [undefined, 0] as const]) {
        const refused = store.artifacts.delete("b", "k", { version, if_version });
        await expect(refused).rejects.toMatchObject({ code: "version_conflict", details: { if_version, version: 2 } });
      }
      expect((await store.artifacts.listVersions("b", "k", { limit: 9 })).data).toHaveLength(2);
      await store.artifacts.delete("b", "k", { version: 1, if_version: 2 });
      await store.artifacts.delete("b", "k", { if_version: 2 });
      await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
    });

    it("releases the reserve on a full disk, and restores it", async () => {
      const engines = createMemoryEngines();
      await saveText(on(engines), "b", "k", "text");
      const tight: string[] = [];
      const content = {
        ...engines.content,
        releaseReserve: async () => tight.push("released") > 0,
        restoreReserve: async () => void tight.push("restored"),
      };
      const change: typeof engines.metadata.change = async (...values) => {
        if (tight.length === 0) throw new ArtifactError("storage_full", "full");
        return engines.metadata.change(...values);
      };
      const full = on({ metadata: { ...engines.metadata, change }, content });
      expect(await full.artifacts.delete("b", "k")).toMatchObject({ version: 1 });
      expect(tight.slice(0, 2)).toEqual(["released", "restored"]);
      expect(tight.slice(2).every((step) => step === "restored")).toBe(true);
      expectNothingLeft(engines);
    });

    it("finishes if its change was made although it reported an error", async () => {
      const engines = createMemoryEngines();
      await saveText(on(engines), "b", "k", "text");
      const change: typeof engines.metadata.change = async (...values) => {
        await engines.metadata.change(...values);
        throw new ArtifactError("internal", "busy");
      };
      const failing = on({ ...engines, metadata: { ...engines.metadata, change } });
      expect(await failing.artifacts.delete("b", "k")).toMatchObject({ version: 1 });
      expectNothingLeft(engines);
    });
  });

  describe("open()", () => {
    it("returns content that stays readable after the artifact is deleted", async () => {
      const { store } = open();
      await saveText(store, "b", "k", "content");
      const { artifact, read, close } = await store.artifacts.open("b", "k");
      await store.artifacts.delete("b", "k");
      expect(Buffer.from(await read(3, 100)).toString()).toBe("tent");
      expect(artifact).toMatchObject({ bytes: 7 });
      await close();
    });

    it("reports missing or cut content as corrupt", async () => {
      const { store, engines } = open();
      await saveText(store, "b", "k", "content");
      for (const [name, bytes] of engines.metadata.pieceMap) engines.metadata.pieceMap.set(name, bytes.subarray(0, 3));
      for (const file of engines.content.files.values()) file.bytes = file.bytes.subarray(0, 3);
      const corrupt = { code: "corrupt", next: "verify_store", details: { key: "k", version: 1 } };
      await expect(textOf(store, "b", "k")).rejects.toMatchObject(corrupt);
      engines.metadata.pieceMap.clear();
      engines.content.files.clear();
      await expect(store.artifacts.open("b", "k")).rejects.toMatchObject(corrupt);
    });

    it("reports a row that does not parse as corrupt, never as a miss", async () => {
      const { store, engines } = open();
      await saveText(store, "b", "k", "content");
      for (const text of ["garbage", "{}", '{"revision":"x"}']) {
        engines.metadata.rows.set("artifact\tb\tk", text);
        const corrupt = { code: "corrupt", next: "restore_backup", details: { row: "artifact\tb\tk" } };
        await expect(store.artifacts.get("b", "k")).rejects.toMatchObject(corrupt);
        await expect(store.artifacts.list({ bucket: "b", limit: 1 })).rejects.toMatchObject(corrupt);
        await expect(saveText(store, "b", "k", "new")).rejects.toMatchObject(corrupt);
      }
    });
  });
});

it("delete() succeeds although its bytes cannot be removed, and the sweep removes them", async () => {
  const { pieceLimits } = pieceKinds[1];
  const engines = createMemoryEngines();
  for (const text of ["one", "two", "three"]) await saveText(storeOn(engines, { pieceLimits }), "b", "k", text);
  const remove = () => Promise.reject(new ArtifactError("internal", "EIO"));
  const failing = storeOn({ ...engines, content: { ...engines.content, remove } }, { pieceLimits });
  expect(await failing.artifacts.delete("b", "k")).toMatchObject({ version: 3 });
  await failing.close();
  expect(piecesIn(engines)).toBe(3);
  expect(rowsOf(engines, "freed\t")).toHaveLength(1);
  expectNothingLeaked(engines);
  expect(await storeOn(engines).sweep.run()).toMatchObject({ rows: 1, failed: 0 });
  expect(rowsOf(engines, "freed\t")).toEqual([]);
  expectNothingLeft(engines);
});
