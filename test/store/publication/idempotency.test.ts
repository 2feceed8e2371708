import { beforeEach, describe, expect, it } from "vitest";
import type { SaveArtifact } from "../../../src/store/artifacts/artifact-saves.js";
import type { Store } from "../../../src/store/store.js";
import type { CreateUpload } from "../../../src/store/uploads/new-session.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

describe.each(pieceKinds)("an idempotency key, with bytes $where", ({ pieceLimits }) => {
  let engines: MemoryEngines;
  let store: Store;

  beforeEach(() => {
    engines = createMemoryEngines();
    store = storeOn(engines, { pieceLimits });
  });

  const save = (text: string, idempotency_key: string, more: Partial<SaveArtifact> = {}) =>
    store.artifacts.save({
      bucket: "b",
      key: "k",
      defaultMimeType: "text/plain",
      bytes: bytesOf(text),
      idempotency_key,
      ...more,
    });
  const keysOf = (version: number): string[] | undefined =>
    JSON.parse(engines.metadata.rows.get("artifact\tb\tk") ?? "").versions.find(
      (known: { version: number }) => known.version === version,
    )?.idempotency_keys;

  describe("of a save", () => {
    it("gives the same request the same answer, whatever was saved since and whatever its guard", async () => {
      const first = await save("one", "first", { if_version: 0, isStrict: true });
      expect(first).not.toHaveProperty("already_saved");
      await save("two", "second");
      const again = await save("one", "first", { if_version: 0, isStrict: true });
      expect(again).toEqual({ ...first, already_saved: true });
      expect((await store.artifacts.listVersions("b", "k", { limit: 9 })).data).toHaveLength(2);
      expect(await textOf(store, "b", "k")).toBe("two");
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it.each([
      ["other bytes", { bytes: bytesOf("other") }],
      ["another type", { mime_type: "text/csv" }],
      ["other metadata", { metadata: { a: "b" } }],
    ])("is rejected with %s, and nothing is saved", async (_, more) => {
      await save("one", "first");
      const before = new Map(engines.metadata.rows);
      const conflict = { code: "idempotency_conflict", next: "use_other_key", details: { version: 1 } };
      await expect(save("one", "first", more)).rejects.toMatchObject(conflict);
      expect(engines.metadata.rows).toEqual(before);
    });

    it("is recorded on the returned version, also if no new version was made", async () => {
      await saveText(store, "b", "k", "one");
      expect(await save("one", "first")).toMatchObject({ version: 1, already_saved: true });
      expect(keysOf(1)).toEqual(["first"]);
      await saveText(store, "b", "k", "two");
      expect(await save("one", "first")).toMatchObject({ version: 1, already_saved: true });
      await expect(save("two", "first")).rejects.toMatchObject({ code: "idempotency_conflict" });
    });

    it("is forgotten after sixteen other keys, the oldest first", async () => {
      for (let n = 1; n <= 17; n += 1) await save("one", `key ${n}`);
      expect(keysOf(1)).toEqual(Array.from({ length: 16 }, (_, n) => `key ${n + 2}`));
      await expect(save("other", "key 2")).rejects.toMatchObject({ code: "idempotency_conflict" });
      expect(await save("other", "key 1")).toMatchObject({ version: 2 });
    });

    it("is deleted with its version", async () => {
      await save("one", "first");
      await store.artifacts.delete("b", "k");
      expect(await save("other", "first")).toMatchObject({ version: 2 });
    });

    it("lets one of many requests at once make the version, and all of them return it", async () => {
      const stores = Array.from({ length: 5 }, () => storeOn(engines, { pieceLimits }));
      const saved = await Promise.all(
        stores.map(({ artifacts }) =>
          artifacts.save({
            bucket: "b",
            key: "k",
            defaultMimeType: "text/plain",
            bytes: bytesOf("one"),
            idempotency_key: "first",
            if_version: 0,
            isStrict: true,
          }),
        ),
      );
      expect(saved.map(({ version }) => version)).toEqual([1, 1, 1, 1, 1]);
      expect(saved.filter(({ already_saved }) => already_saved === undefined)).toHaveLength(1);
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("must be 1 to 255 printable ASCII characters", async () => {
      const refused = { code: "invalid_argument", details: { argument: "idempotency_key" } };
      await expect(save("one", "")).rejects.toMatchObject(refused);
      await expect(save("one", "x".repeat(256))).rejects.toMatchObject(refused);
      await expect(store.uploads.create({ bucket: "b", key: "k", idempotency_key: "\n" })).rejects.toMatchObject(
        refused,
      );
    });
  });

  describe("of a new upload", () => {
    const create = (more: Partial<CreateUpload> = {}, idempotency_key = "first") =>
      store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", idempotency_key, ...more });

    it("lets the same request find its session in its current state", async () => {
      const first = await create({ size: 6, metadata: { a: "1", b: "2" } });
      await store.uploads.append(first.id, 0, bytesOf("abc"));
      const again = { size: 6, metadata: { b: "2", a: "1" } };
      expect(await create(again)).toMatchObject({ id: first.id, offset: 3, status: "open" });
      const done = await store.uploads.append(first.id, 3, bytesOf("def"));
      expect(await create(again)).toEqual(done);
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toHaveLength(1);
    });

    it.each([
      ["another size", { size: 7 }],
      ["no size", { size: undefined }],
      ["another type", { mime_type: "text/csv" }],
      ["other metadata", { metadata: { a: "2" } }],
      ["another guard", { if_version: 0 }],
      ["a stricter guard", { isStrict: true }],
      ["other content to begin with", { from: { bucket: "b", key: "source" } }],
    ])("is rejected with %s, and no session is created", async (_, more) => {
      await saveText(store, "b", "source", "abc");
      await create({ size: 6, metadata: { a: "1" } });
      const refused = create({ size: 6, metadata: { a: "1" }, ...more });
      await expect(refused).rejects.toMatchObject({ code: "idempotency_conflict", next: "use_other_key" });
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toHaveLength(1);
    });

    it("lets the same request find its session, also after calls that changed the session", async () => {
      const request = { if_version: 7, checksGuardAtEnd: true };
      const { id } = await create(request);
      await store.uploads.append(id, 0, bytesOf("abc"));
      await expect(store.uploads.declareSize(id, 3)).rejects.toMatchObject({ code: "version_conflict" });
      expect(await create(request)).toMatchObject({ id, status: "conflict" });
      await store.uploads.complete(id, { if_version: 0 });
      expect(await create(request)).toMatchObject({ id, status: "complete" });
    });

    it("finds no session under another key of the bucket, or if the request asks for a new session", async () => {
      const { id } = await create();
      expect((await create({ key: "other" })).id).not.toBe(id);
      expect((await create({}, "second")).id).not.toBe(id);
      expect((await create({ isNew: true })).id).not.toBe(id);
    });

    it("is recorded on the version that the upload publishes", async () => {
      const { id } = await create({ size: 3 });
      await store.uploads.append(id, 0, bytesOf("abc"));
      expect(keysOf(1)).toEqual(["first"]);
      expect(await save("abc", "first")).toMatchObject({ version: 1, already_saved: true });
      const same = await create({ size: 3, isNew: true }, "second");
      expect(await store.uploads.append(same.id, 0, bytesOf("abc"))).toMatchObject({ artifact: { version: 1 } });
      expect(keysOf(1)).toEqual(["first", "second"]);
    });

    it("that belongs to a version with other content publishes nothing, and keeps the bytes", async () => {
      await save("one", "first");
      const { id } = await create({ size: 3 });
      await expect(store.uploads.append(id, 0, bytesOf("two"))).rejects.toMatchObject({ code: "idempotency_conflict" });
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ status: "open", offset: 3 }]);
      expect((await store.artifacts.get("b", "k")).version).toBe(1);
      await store.uploads.abort(id);
      expectNothingLeft(engines);
    });
  });
});
