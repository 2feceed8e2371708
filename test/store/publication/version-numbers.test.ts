import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

describe.each(pieceKinds)("with bytes $where", ({ pieceLimits }) => {
  let engines: MemoryEngines;
  let store: Store;

  beforeEach(() => {
    engines = createMemoryEngines();
    store = storeOn(engines, { pieceLimits });
  });

  async function upload(text: string, options = {}) {
    const { id } = await store.uploads.create({ bucket: "b", key: "k", size: text.length, ...options });
    return store.uploads.append(id, 0, bytesOf(text));
  }

  describe("a version number", () => {
    it("is never given twice, by a save or an upload, however often the key is deleted", async () => {
      const given: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        given.push((await saveText(store, "b", "k", `saved ${round}`)).version);
        given.push((await upload(`uploaded ${round}`)).artifact?.version ?? 0);
        const newest = await store.artifacts.get("b", "k");
        expect(newest.version).toBe(given.at(-1));
        await store.artifacts.delete("b", "k");
        expectSound(engines);
      }
      expect(given).toEqual([1, 2, 3, 4, 5, 6]);
      expectNothingLeft(engines);
    });

    it("is never given twice if versions were deleted one by one, newest first", async () => {
      for (const text of ["one", "two"]) await saveText(store, "b", "k", text);
      for (const version of [2, 1]) await store.artifacts.delete("b", "k", { version });
      expect(await saveText(store, "b", "k", "three")).toMatchObject({ version: 3 });
      expectSound(engines);
    });

    it("is the one that a save or an upload asks for, unless the key has given out as high a number", async () => {
      const save = (text: string, least_version: number) =>
        store.artifacts.save({
          bucket: "b",
          key: "k",
          bytes: bytesOf(text),
          defaultMimeType: "text/plain",
          least_version,
        });
      expect(await save("one", 7)).toMatchObject({ version: 7 });
      expect(await save("one", 9)).toMatchObject({ version: 7, already_saved: true });
      expect((await upload("two", { least_version: 10 })).artifact).toMatchObject({ version: 10 });
      expect(await save("three", 10)).toMatchObject({ version: 11 });
      expect(await saveText(store, "b", "k", "four")).toMatchObject({ version: 12 });
      await store.artifacts.delete("b", "k");
      expect(await save("five", 3)).toMatchObject({ version: 13 });
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("is given once by many saves at once on a key that was deleted", async () => {
      await saveText(store, "b", "k", "before");
      await store.artifacts.delete("b", "k");
      const stores = Array.from({ length: 6 }, () => storeOn(engines, { pieceLimits }));
      const saved = await Promise.all(stores.map((own, n) => saveText(own, "b", "k", `text ${n}`)));
      expect(saved.map(({ version }) => version).sort()).toEqual([2, 3, 4, 5, 6, 7]);
    });

    it("counts for one key: another key or bucket begins at 1", async () => {
      await saveText(store, "b", "k", "text");
      expect(await saveText(store, "b", "k/2", "text")).toMatchObject({ version: 1 });
      expect(await saveText(store, "b2", "k", "text")).toMatchObject({ version: 1 });
    });
  });

  describe("another process, right before a change,", () => {
    /** A store for which `other` runs right before its first change of the key. */
    function overtaken(other: () => Promise<unknown>): Store {
      let isOver = false;
      const change: typeof engines.metadata.change = async (rows, pieces) => {
        if (!isOver && rows.some(({ key }) => key.startsWith("artifact\t"))) {
          isOver = true;
          await other();
        }
        return engines.metadata.change(rows, pieces);
      };
      return storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits });
    }

    it("uses a number, which is not given again although the key was deleted", async () => {
      const other = async (): Promise<void> => {
        await saveText(store, "b", "k", "theirs");
        await store.artifacts.delete("b", "k");
      };
      expect(await saveText(overtaken(other), "b", "k", "mine")).toMatchObject({ version: 2 });
      expectSound(engines);
    });

    it("deletes the version that equals an upload, and the upload makes a new version", async () => {
      await saveText(store, "b", "k", "same");
      const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain" });
      await store.uploads.append(id, 0, bytesOf("same"));
      const late = overtaken(() => store.artifacts.delete("b", "k"));
      const done = await late.uploads.complete(id);
      expect(done.artifact).toMatchObject({ version: 2 });
      expect(done.artifact).not.toHaveProperty("already_saved");
      expect(await textOf(store, "b", "k")).toBe("same");
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("deletes the key, which meets the guard of an upload, and the upload is published", async () => {
      await saveText(store, "b", "k", "there");
      const { id } = await store.uploads.create({
        bucket: "b",
        key: "k",
        if_version: 0,
        checksGuardAtEnd: true,
        size: 3,
      });
      const late = overtaken(() => store.artifacts.delete("b", "k"));
      expect(await late.uploads.append(id, 0, bytesOf("abc"))).toMatchObject({ artifact: { version: 2 } });
      expectSound(engines);
    });
  });

  describe("if_version", () => {
    beforeEach(async () => {
      await saveText(store, "b", "k", "first");
      await store.artifacts.delete("b", "k");
    });

    it("0 is met by a deleted key", async () => {
      expect(await saveText(store, "b", "k", "again", 0)).toMatchObject({ version: 2 });
      await store.artifacts.delete("b", "k");
      expect(await upload("and again", { if_version: 0 })).toMatchObject({ artifact: { version: 3 } });
    });

    it("1 is met neither by a deleted key, nor by a key that was saved again", async () => {
      const conflict = (version: number) => ({ code: "version_conflict", details: { if_version: 1, version } });
      await expect(saveText(store, "b", "k", "more", 1)).rejects.toMatchObject(conflict(0));
      await expect(upload("more", { if_version: 1 })).rejects.toMatchObject(conflict(0));
      await saveText(store, "b", "k", "first");
      await expect(saveText(store, "b", "k", "more", 1)).rejects.toMatchObject(conflict(2));
      await expect(upload("more", { if_version: 1 })).rejects.toMatchObject(conflict(2));
      await expect(store.artifacts.delete("b", "k", { if_version: 1 })).rejects.toMatchObject(conflict(2));
      expect(await textOf(store, "b", "k")).toBe("first");
    });

    it("loses no update: of many increments at once, each builds on the value that it read", async () => {
      const stores = Array.from({ length: 8 }, () => storeOn(engines, { pieceLimits }));
      const count = async (own: Store): Promise<void> => {
        for (;;) {
          const now = await own.artifacts.get("b", "count").catch(() => undefined);
          const value = now === undefined ? 0 : Number(await textOf(own, "b", "count", now.version));
          const next = saveText(own, "b", "count", String(value + 1), now?.version ?? 0);
          const isDone = await next.then(
            ({ already_saved }) => already_saved === undefined,
            (error) => {
              expect(error).toMatchObject({ code: "version_conflict" });
              return false;
            },
          );
          if (isDone) return;
        }
      };
      await Promise.all(stores.flatMap((own) => Array.from({ length: 4 }, () => count(own))));
      expect(await textOf(store, "b", "count")).toBe("32");
    });
  });

  describe("a strict guard", () => {
    const strict = { bucket: "b", key: "k", defaultMimeType: "text/plain", isStrict: true } as const;
    const bytes = bytesOf("same");

    it("is not met by equal bytes: one of four racing saves makes the version", async () => {
      const stores = Array.from({ length: 4 }, () => storeOn(engines, { pieceLimits }));
      const saves = stores.map((own) => own.artifacts.save({ ...strict, bytes, if_version: 0 }));
      const results = await Promise.allSettled(saves);
      const made = results.filter(({ status }) => status === "fulfilled");
      expect(made).toMatchObject([{ value: { version: 1 } }]);
      expect(made[0]).not.toHaveProperty("value.already_saved");
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "version_conflict" });
      }
      expectNothingLeft(engines);
    });

    it("that is met makes a version also of equal bytes, and without if_version it has no effect", async () => {
      await store.artifacts.save({ ...strict, bytes, if_version: 0 });
      expect(await store.artifacts.save({ ...strict, bytes, if_version: 1 })).toMatchObject({ version: 2 });
      expect(await store.artifacts.save({ ...strict, bytes })).toMatchObject({ version: 2, already_saved: true });
    });

    it("holds for uploads too, and a refused upload keeps its bytes", async () => {
      await store.artifacts.save({ ...strict, bytes, if_version: 0 });
      const guarded = { mime_type: "text/plain", if_version: 0, checksGuardAtEnd: true };
      expect(await upload("same", guarded)).toMatchObject({ artifact: { version: 1, already_saved: true } });
      const refused = upload("same", { ...guarded, isStrict: true });
      await expect(refused).rejects.toMatchObject({ code: "version_conflict", next: "resolve_conflict" });
      const [kept] = (await store.uploads.list({ all: true, limit: 9 })).data.filter(
        ({ status }) => status === "conflict",
      );
      expect(await store.uploads.complete(kept?.id ?? "", { if_version: 1 })).toMatchObject({
        artifact: { version: 2 },
      });
      expectSound(engines);
    });
  });
});
