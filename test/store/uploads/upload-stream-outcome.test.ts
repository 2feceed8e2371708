import { describe, expect, it } from "vitest";
import type { StoreOptions } from "../../../src/store/store.js";
import type { CreateUpload } from "../../../src/store/uploads/new-session.js";
import { begunUpload } from "../../support/begun-upload.js";
import { failOnce } from "../../support/faults.js";
import { expectNothingLeaked, expectSound } from "../../support/invariants.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { interleavedSource, sourceOf } from "../../support/sources.js";
import { bytesOf, createMemoryEngines, noRowPieces, saveText, storeOn, textOf } from "../../support/stores.js";

describe.each(pieceKinds)("with bytes $where", ({ pieceLimits }) => {
  const begun = (text = "", upload: Partial<CreateUpload> = {}, options: Partial<StoreOptions> = {}) =>
    begunUpload(text, upload, { pieceLimits, ...options });

  describe("the digest of the whole content that a stream announces", () => {
    const [right, wrong] = [digestOf("abcdef"), digestOf("abcdeX")];

    it("is checked when the stream fills the upload, before the publication", async () => {
      const { stream, uploads, id, store, another } = await begun("abc", { size: 6 });
      const mismatch = { code: "checksum_mismatch", details: { expected: wrong, actual: right, offset: 6 } };
      await expect(stream(["def"], { sha256: wrong })).rejects.toMatchObject(mismatch);
      // Another process is told so as well, and publishes nothing else.
      await expect(another().get(id)).rejects.toMatchObject(mismatch);
      expect((await uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ status: "open", offset: 6 }]);
      await expect(store.artifacts.get("b", "k.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
      expect(await another().complete(id, { sha256: right })).toMatchObject({ status: "complete" });
    });

    it("is refused before a byte is taken if another digest is known", async () => {
      const { stream, uploads, id } = await begun("abc", { size: 6, sha256: right });
      await expect(stream(["def"], { sha256: wrong })).rejects.toMatchObject({ code: "checksum_mismatch" });
      expect(await uploads.get(id)).toMatchObject({ offset: 3 });
      expect(await stream(["def"], { sha256: right })).toMatchObject({ status: "complete" });
      expect(await stream(["abcdef"], { offset: 0, sha256: right })).toMatchObject({ status: "complete" });
      await expect(stream([], { sha256: wrong })).rejects.toMatchObject({ code: "checksum_mismatch" });
    });

    it.each([
      ["leaves a gap", ["x"], { offset: 5 }, "offset_conflict"],
      ["has bytes that differ", ["abXdef"], { offset: 0 }, "offset_conflict"],
      ["is too long", ["defg"], {}, "size_exceeded"],
      [
        "does not match its own checksum",
        ["def"],
        { checksum: { algorithm: "sha256", digest: wrong } },
        "checksum_mismatch",
      ],
      ["has no bytes", [], {}, undefined],
      ["does not fill it", ["d"], {}, undefined],
    ] as const)("is forgotten after a stream that %s", async (_, texts, how, code) => {
      const { stream, uploads, id, store } = await begun("abc", { size: 6 });
      const result = stream(texts, { ...how, sha256: wrong });
      if (code === undefined) await result;
      else await expect(result).rejects.toMatchObject({ code });
      const { offset } = await uploads.get(id);
      expect(offset).toBeGreaterThanOrEqual(3);
      await uploads.append(id, offset, bytesOf("abcdef".slice(offset)));
      expect(await textOf(store, "b", "k.txt")).toBe("abcdef");
    });

    it("is checked when a declared size makes the upload full: a mismatch keeps the bytes", async () => {
      const { uploads, id, another } = await begun("abcdef");
      const mismatch = { code: "checksum_mismatch", details: { expected: wrong, actual: right } };
      await expect(uploads.declareSize(id, 6, wrong)).rejects.toMatchObject(mismatch);
      expect(await another().get(id)).toMatchObject({ status: "open", offset: 6, size: null });
      expect(await uploads.declareSize(id, 6, right)).toMatchObject({ status: "complete", size: 6 });
    });

    it("is checked for a conflict when its size is declared again", async () => {
      const { uploads, id, store } = await begun("abc", { size: 6, if_version: 0 });
      await saveText(store, "b", "k.txt", "other");
      await expect(uploads.append(id, 3, bytesOf("def"))).rejects.toMatchObject({ code: "version_conflict" });
      await store.artifacts.delete("b", "k.txt");
      await expect(uploads.declareSize(id, 6, wrong)).rejects.toMatchObject({ code: "checksum_mismatch" });
      expect(await uploads.get(id)).toMatchObject({ status: "conflict" });
      expect(await uploads.declareSize(id, 6, right)).toMatchObject({ status: "complete" });
    });

    it("is kept in the row for the process that publishes after the first one died", async () => {
      const { engines, id, another } = await begun("abc", { size: 6 });
      const change: typeof engines.metadata.change = async (rows, pieces) => {
        if (rows.some(({ key }) => key.startsWith("artifact\t"))) throw new Error("died");
        return engines.metadata.change(rows, pieces);
      };
      const { uploads } = storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits });
      const died = uploads.appendStream(id, sourceOf(bytesOf("def")), { sha256: right });
      await expect(died).rejects.toThrow("died");
      expect(JSON.parse(engines.metadata.rows.get(`session\t${id}`) ?? "")).toMatchObject({ sha256: right, offset: 6 });
      expect(await another().get(id)).toMatchObject({ status: "complete", artifact: { sha256: right } });
    });
  });

  describe("the size of an upload", () => {
    it("may be declared later, once", async () => {
      const { uploads, id } = await begun("abc");
      expect(await uploads.declareSize(id, 6)).toMatchObject({ size: 6, offset: 3, status: "open" });
      expect(await uploads.declareSize(id, 6)).toMatchObject({ size: 6 });
      await expect(uploads.declareSize(id, 7)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(uploads.append(id, 3, bytesOf("defg"))).rejects.toMatchObject({ code: "size_exceeded" });
    });

    it("publishes if that many bytes are stored, and is refused if more are stored", async () => {
      const { uploads, id } = await begun("abc");
      await expect(uploads.declareSize(id, 2)).rejects.toMatchObject({ code: "invalid_argument" });
      expect(await uploads.declareSize(id, 3)).toMatchObject({ status: "complete" });
      expect(await uploads.declareSize(id, 3)).toMatchObject({ status: "complete" });
    });

    it("is refused for an aborted upload, and if it is too large for an artifact", async () => {
      const { uploads, id } = await begun("abc", {}, { maxArtifactBytes: 10 });
      await expect(uploads.declareSize(id, 11)).rejects.toMatchObject({ code: "too_large" });
      await uploads.abort(id);
      await expect(uploads.declareSize(id, 6)).rejects.toMatchObject({ code: "session_closed" });
    });
  });

  describe("limits", () => {
    it("on an artifact apply to a stream and the bytes before it together", async () => {
      const { stream, uploads, id } = await begun("abc", {}, { maxArtifactBytes: 6 });
      await expect(stream(["def", "g"])).rejects.toMatchObject({ code: "too_large" });
      await expect(stream(["d"], { length: 4 })).rejects.toMatchObject({ code: "too_large" });
      expect(await uploads.get(id)).toMatchObject({ offset: 3 });
    });

    it("on unfinished bytes apply to a stream, whose bytes up to the limit are stored", async () => {
      const { stream, uploads, id, engines } = await begun("abc", {}, { maxUnfinishedBytes: 6 });
      await expect(stream(["def", "g"])).rejects.toMatchObject({ code: "storage_full" });
      expect(await uploads.get(id)).toMatchObject({ offset: 6 }); // the first block fits
      expectSound(engines);
      expectNothingLeaked(engines);
    });

    it("on unfinished bytes apply to a stream in another process, whose new piece is removed", async () => {
      const { another, id, engines } = await begun("abc", {}, { maxUnfinishedBytes: 6 });
      const refused = another().appendStream(id, sourceOf(bytesOf("defg")));
      await expect(refused).rejects.toMatchObject({ code: "storage_full" });
      expectNothingLeaked(engines);
    });

    it("on time apply to a stream", async () => {
      let now = 1_000_000;
      const { stream } = await begun("abc", {}, { now: () => now, monotonicMs: () => now, sessionTtlMs: 10_000 });
      now += 10_000;
      await expect(stream(["def"])).rejects.toMatchObject({ code: "session_expired" });
    });
  });

  describe("a stream with a step that fails", () => {
    it.each(["before its effect", "after its effect"])(
      "%s keeps the counted bytes, and the rest completes the right content",
      async (where) => {
        const text = "abcdefghi";
        for (let failing = 1; ; failing += 1) {
          const engines = createMemoryEngines();
          const living = storeOn(engines, { pieceLimits });
          const { id } = await living.uploads.create({ bucket: "b", key: "k.txt", size: text.length });
          await living.uploads.append(id, 0, bytesOf("abc"));
          const view = failOnce(engines, failing, undefined, where === "before its effect");
          const { uploads } = storeOn(view, { pieceLimits });
          let counted = 3;
          const onCheckpoint = (offset: number): void => {
            counted = offset;
          };
          const ask = () => uploads.get(id).catch(() => undefined);
          await uploads.appendStream(id, interleavedSource(ask, "d", "ef"), { onCheckpoint }).catch(() => undefined);
          const { offset } = await living.uploads.get(id);
          expect(offset, `step ${failing}`).toBeGreaterThanOrEqual(counted);
          const rest = () => uploads.append(id, offset, bytesOf(text.slice(offset)));
          const done = await rest().catch(rest); // the failing step may be in this call
          expect(done.artifact?.sha256, `step ${failing}`).toBe(digestOf(text));
          expect(await textOf(living, "b", "k.txt")).toBe(text);
          expectSound(engines);
          if (view.steps() < failing) break;
        }
      },
    );
  });
});

it("a wrong digest that a stream announced is kept after its process died, so that no other process publishes", async () => {
  const { engines, id, another } = await begunUpload("abc", { size: 6 }, { pieceLimits: noRowPieces });
  const openPiece = () => Promise.reject(new Error("died"));
  const dying = { ...engines, content: { ...engines.content, openPiece } };
  const { uploads } = storeOn(dying, { pieceLimits: noRowPieces });
  const died = uploads.appendStream(id, sourceOf(bytesOf("def")), { sha256: digestOf("other") });
  await expect(died).rejects.toThrow("died");
  await expect(another().get(id)).rejects.toMatchObject({ code: "checksum_mismatch" });
});
