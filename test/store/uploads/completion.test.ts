import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { MetadataStore } from "../../../src/store/ports/metadata-store.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const at = { bucket: "b", key: "k.txt" };
const dayMs = 24 * 60 * 60 * 1000;

describe.each(pieceKinds)("with bytes $where", ({ pieceLimits }) => {
  function open(options = {}) {
    const engines = createMemoryEngines();
    return { engines, store: storeOn(engines, { pieceLimits, ...options }) };
  }

  describe("a digest given at creation", () => {
    const mismatch = {
      code: "checksum_mismatch",
      next: "correct_digest",
      details: { expected: digestOf("abc"), actual: digestOf("abX"), offset: 3 },
    };

    it("keeps the bytes of a mismatch unpublished until the right digest is given", async () => {
      const { store, engines } = open();
      const { uploads } = store;
      const { id } = await uploads.create({ ...at, size: 3, sha256: digestOf("abc") });
      await expect(uploads.append(id, 0, bytesOf("abX"))).rejects.toMatchObject(mismatch);
      expect((await uploads.list({ all: true, limit: 9 })).data).toMatchObject([
        { status: "open", offset: 3, size: 3 },
      ]);
      await expect(store.artifacts.get("b", "k.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
      // Every call that would publish it reports the mismatch again, in this process and in another.
      const another = storeOn(engines, { pieceLimits }).uploads;
      await expect(uploads.get(id)).rejects.toMatchObject(mismatch);
      await expect(another.append(id, 1, bytesOf("bX"))).rejects.toMatchObject(mismatch);
      await expect(another.complete(id)).rejects.toMatchObject(mismatch);
      await expect(uploads.append(id, 0, bytesOf("abc"))).rejects.toMatchObject({ code: "offset_conflict" });
      expectSound(engines);
      const done = await another.complete(id, { sha256: digestOf("abX") });
      expect(done).toMatchObject({ status: "complete", artifact: { version: 1, sha256: digestOf("abX") } });
      expect(await textOf(store, "b", "k.txt")).toBe("abX");
      expectNothingLeft(engines);
    });

    it("lets an upload with a mismatch be aborted", async () => {
      const { store, engines } = open();
      const { id } = await store.uploads.create({ ...at, size: 3, sha256: digestOf("abc") });
      await expect(store.uploads.append(id, 0, bytesOf("abX"))).rejects.toMatchObject(mismatch);
      expect(await store.uploads.abort(id)).toMatchObject({ status: "aborted" });
      expectNothingLeft(engines);
    });

    it("lets an upload with a mismatch expire when its time is over, not earlier", async () => {
      let now = 1_000_000_000;
      const { store, engines } = open({ now: () => now, monotonicMs: () => now, sessionTtlMs: 7 * dayMs });
      const { id } = await store.uploads.create({ ...at, size: 3, sha256: digestOf("abc") });
      await expect(store.uploads.append(id, 0, bytesOf("abX"))).rejects.toMatchObject(mismatch);
      now += 7 * dayMs - 1000;
      expect(await store.sweep.run({ trustsClock: true })).toMatchObject({ expired: 0, failed: 0 });
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ status: "open", offset: 3 }]);
      now += 1000;
      expect(await store.sweep.run({ trustsClock: false })).toMatchObject({ expired: 0, failed: 0 });
      expect(await store.sweep.run({ trustsClock: true })).toMatchObject({ expired: 1, failed: 0 });
      expect(await store.uploads.get(id)).toMatchObject({ status: "expired" });
      expectNothingLeft(engines);
    });

    it("of an upload without a size is checked at completion, and more bytes may follow", async () => {
      const { store } = open();
      const { id } = await store.uploads.create({ ...at, sha256: digestOf("abcd") });
      await store.uploads.append(id, 0, bytesOf("abc"));
      await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "checksum_mismatch" });
      expect(await store.uploads.append(id, 3, bytesOf("d"))).toMatchObject({ offset: 4, status: "open" });
      expect(await store.uploads.complete(id)).toMatchObject({ status: "complete" });
    });

    it("of empty content is checked before a session is created", async () => {
      const { store } = open();
      const wrong = store.uploads.create({ ...at, size: 0, sha256: digestOf("a") });
      await expect(wrong).rejects.toMatchObject({ code: "checksum_mismatch", next: "create_with_digest" });
      expect((await store.uploads.list({ all: true, limit: 1 })).data).toEqual([]);
    });
  });

  describe("complete()", () => {
    it("reports how many bytes of a sized upload are missing", async () => {
      const { store } = open();
      const { id } = await store.uploads.create({ ...at, size: 3 });
      await store.uploads.append(id, 0, bytesOf("ab"));
      const early = store.uploads.complete(id);
      await expect(early).rejects.toMatchObject({
        code: "incomplete",
        next: "upload_rest_or_confirm",
        details: { offset: 2, size: 3 },
      });
    });

    it("with a size publishes nothing if another process has added bytes meanwhile", async () => {
      const { engines, store: another } = open();
      const { id } = await another.uploads.create({ ...at });
      await another.uploads.append(id, 0, bytesOf("abc"));
      let races = 1;
      const change: MetadataStore["change"] = async (rows, pieces) => {
        const publishes = rows.some(({ key }) => key.startsWith("artifact\t"));
        if (publishes && races-- > 0) await another.uploads.append(id, 3, bytesOf("d"));
        return engines.metadata.change(rows, pieces);
      };
      const { uploads } = storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits });
      await expect(uploads.complete(id, { size: 3 })).rejects.toMatchObject({ code: "invalid_argument" });
      expect(races).toBe(0);
      expect(await another.uploads.get(id)).toMatchObject({ status: "open", offset: 4, size: null });
    });

    it("keeps the bytes if its own digest does not match", async () => {
      const { store } = open();
      const { id } = await store.uploads.create(at);
      await store.uploads.append(id, 0, bytesOf("abc"));
      const wrong = store.uploads.complete(id, { sha256: digestOf("x") });
      await expect(wrong).rejects.toMatchObject({ code: "checksum_mismatch" });
      expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
      expect(await store.uploads.append(id, 3, bytesOf("d"))).toMatchObject({ offset: 4 });
      expect(await store.uploads.complete(id, { sha256: digestOf("abcd") })).toMatchObject({ status: "complete" });
      const late = store.uploads.complete(id, { sha256: digestOf("x") });
      await expect(late).rejects.toMatchObject({ code: "checksum_mismatch", next: "use_published" });
    });

    it("with an unmet if_version keeps the bytes until it is called with another one", async () => {
      const { store, engines } = open();
      await saveText(store, "b", "k.txt", "there");
      const { id } = await store.uploads.create({ ...at, if_version: 0, checksGuardAtEnd: true, size: 3 });
      const conflict = {
        code: "version_conflict",
        next: "resolve_conflict",
        details: { session_id: id, if_version: 0, version: 1 },
      };
      await expect(store.uploads.append(id, 0, bytesOf("abc"))).rejects.toMatchObject(conflict);
      expect(await store.uploads.get(id)).toMatchObject({ status: "conflict", offset: 3, if_version: "0" });
      await expect(store.uploads.append(id, 1, bytesOf("bc"))).rejects.toMatchObject(conflict);
      await expect(store.uploads.complete(id)).rejects.toMatchObject(conflict);
      await expect(store.uploads.complete(id, { if_version: 7 })).rejects.toMatchObject({ code: "version_conflict" });
      expectSound(engines);
      const done = await store.uploads.complete(id, { if_version: 1 });
      expect(done).toMatchObject({ status: "complete", artifact: { version: 2 } });
      expect(await textOf(store, "b", "k.txt")).toBe("abc");
    });

    it("makes no version of the content that the newest version has, whatever if_version is", async () => {
      const { store, engines } = open();
      const saved = await saveText(store, "b", "k.txt", "abc");
      const { id } = await store.uploads.create({
        ...at,
        if_version: 0,
        checksGuardAtEnd: true,
        size: 3,
        mime_type: "text/plain",
      });
      const done = await store.uploads.append(id, 0, bytesOf("abc"));
      expect(done.artifact).toEqual({ ...saved, already_saved: true });
      expectNothingLeft(engines);
      expect(await store.uploads.append(id, 1, bytesOf("bc"))).toEqual(done);
    });

    it("publishes a full upload whose process died before the publication", async () => {
      const { store, engines } = open();
      const { id } = await store.uploads.create({ ...at, size: 3 });
      const change: typeof engines.metadata.change = async (rows, pieces) => {
        if (rows.some(({ next }) => next?.includes('"status":"complete"'))) throw new Error("dead");
        return engines.metadata.change(rows, pieces);
      };
      const dying = storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits });
      await expect(dying.uploads.append(id, 0, bytesOf("abc"))).rejects.toThrow("dead");
      expect((await store.uploads.list({ all: true, limit: 1 })).data).toMatchObject([{ status: "open", offset: 3 }]);
      expect(await store.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
    });
  });

  describe("abort()", () => {
    it("frees the bytes, can be repeated, and ends the session for every other call", async () => {
      const { store, engines } = open();
      const { id } = await store.uploads.create({ ...at, size: 3 });
      await store.uploads.append(id, 0, bytesOf("ab"));
      const aborted = await store.uploads.abort(id);
      expect(aborted).toMatchObject({ status: "aborted" });
      expect(await store.uploads.abort(id)).toEqual(aborted);
      expectNothingLeft(engines);
      await expect(store.uploads.append(id, 2, bytesOf("c"))).rejects.toMatchObject({ code: "session_closed" });
      await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "session_closed" });
      await expect(store.artifacts.get("b", "k.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
    });

    it("releases the reserve on a full disk, and restores it", async () => {
      const engines = createMemoryEngines();
      const { id } = await storeOn(engines, { pieceLimits }).uploads.create(at);
      const steps: string[] = [];
      const change: typeof engines.metadata.change = async (...values) => {
        if (!steps.includes("released")) throw new ArtifactError("storage_full", "full");
        return engines.metadata.change(...values);
      };
      const content = {
        ...engines.content,
        releaseReserve: async () => steps.push("released") > 0,
        restoreReserve: async () => void steps.push("restored"),
      };
      const full = storeOn({ metadata: { ...engines.metadata, change }, content }, { pieceLimits });
      expect(await full.uploads.abort(id)).toMatchObject({ status: "aborted" });
      expect(steps).toEqual(["released", "restored"]);
    });

    it("frees the bytes of a conflict, and refuses a complete upload", async () => {
      const { store, engines } = open();
      await saveText(store, "b", "k.txt", "there");
      const { id } = await store.uploads.create({ ...at, if_version: 0, checksGuardAtEnd: true, size: 3 });
      await expect(store.uploads.append(id, 0, bytesOf("abc"))).rejects.toMatchObject({ code: "version_conflict" });
      expect(engines.content.files.size + engines.metadata.pieceMap.size).toBe(2);
      expectNothingLeaked(engines);
      await store.uploads.abort(id);
      expectNothingLeft(engines);
      const other = await store.uploads.create({ ...at, size: 0 });
      await expect(store.uploads.abort(other.id)).rejects.toMatchObject({ code: "session_closed" });
      expect(await store.uploads.get(other.id)).toMatchObject({ status: "complete", artifact: { version: 2 } });
    });
  });
});
