import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkpointBytes } from "../../../src/store/model/limits.js";
import type { StoreOptions } from "../../../src/store/store.js";
import type { CreateUpload } from "../../../src/store/uploads/new-session.js";
import { begunUpload } from "../../support/begun-upload.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { sourceOf } from "../../support/sources.js";
import { bytesOf, storeOn, textOf } from "../../support/stores.js";

const digest = (algorithm: string, bytes: Uint8Array | string) => createHash(algorithm).update(bytes).digest("hex");

describe.each(pieceKinds)("with bytes $where", ({ pieceLimits }) => {
  const begun = (text = "", upload: Partial<CreateUpload> = {}, options: Partial<StoreOptions> = {}) =>
    begunUpload(text, upload, { pieceLimits, ...options });

  describe("a stream", () => {
    it("appends at the offset of the upload, and publishes a full one", async () => {
      const { stream, store } = await begun("abc", { size: 9 });
      expect(await stream(["de"])).toMatchObject({ offset: 5, status: "open" });
      expect(await stream(["f", "g", "hi"])).toMatchObject({ offset: 9, status: "complete" });
      expect(await textOf(store, "b", "k.txt")).toBe("abcdefghi");
    });

    it("without bytes changes nothing", async () => {
      const { stream, engines } = await begun("abc");
      const before = [...engines.metadata.rows.values()];
      expect(await stream([])).toMatchObject({ offset: 3 });
      expect([...engines.metadata.rows.values()]).toEqual(before);
    });

    it("may replay stored bytes, and appends the bytes behind them", async () => {
      const { stream, store } = await begun("abcdef", { size: 9 });
      await stream(["ab", "cdefg", "hi"], { offset: 0 });
      expect(await textOf(store, "b", "k.txt")).toBe("abcdefghi");
      expect(await stream(["abcdefghi"], { offset: 0 })).toMatchObject({ status: "complete" });
    });

    it.each([
      ["differs from the stored bytes", ["ab", "Xd"], { offset: 0 }, "offset_conflict", 3],
      ["leaves a gap", ["x"], { offset: 4 }, "offset_conflict", 3],
      ["is announced as too long", ["d", "e", "f"], { length: 7 }, "size_exceeded", 3],
      ["is too long", ["def", "ghi", "j"], {}, "size_exceeded", 3],
    ])("that %s is refused with the offset, and no stored byte is lost", async (_, texts, how, code, offset) => {
      const { stream, uploads, id, engines, store } = await begun("abc", { size: 9 });
      await expect(stream(texts, how)).rejects.toMatchObject({ code, details: { offset } });
      expect(await uploads.get(id)).toMatchObject({ offset: 3, status: "open" });
      await stream(["defghi"]);
      expect(await textOf(store, "b", "k.txt")).toBe("abcdefghi");
      expectSound(engines);
      expectNothingLeaked(engines);
    });

    it("counts its bytes every 8 MiB, and at its end", async () => {
      const { uploads, id, store } = await begun("abc");
      const block = randomBytes(checkpointBytes / 4);
      const counted: number[] = [];
      const onCheckpoint = (offset: number) => void counted.push(offset);
      const source = sourceOf(...Array.from({ length: 9 }, () => block));
      await uploads.appendStream(id, source, { onCheckpoint, isLast: true });
      expect(counted).toEqual([3 + 4 * block.length, 3 + 8 * block.length, 3 + 9 * block.length]);
      const whole = Buffer.concat([bytesOf("abc"), ...Array.from({ length: 9 }, () => block)]);
      expect((await store.artifacts.get("b", "k.txt")).sha256).toBe(digest("sha256", whole));
    });

    it("counts the last declared byte only when it has ended without another byte", async () => {
      const { running, uploads, id, another } = await begun("abc", { size: 6 });
      const { send, end, result } = running();
      await send(bytesOf("def"));
      expect(await uploads.get(id)).toMatchObject({ offset: 3, status: "open" });
      expect(await another().get(id)).toMatchObject({ offset: 3, status: "open" });
      end();
      expect(await result).toMatchObject({ status: "complete" });
    });

    it("stores the received bytes when get() is called", async () => {
      const { running, uploads, id, another } = await begun();
      const { send, end, result } = running();
      await send(bytesOf("abc"));
      expect(await uploads.get(id)).toMatchObject({ offset: 3 });
      await send(bytesOf("de"));
      expect(await another().get(id)).toMatchObject({ offset: 3 });
      end();
      expect(await result).toMatchObject({ offset: 5 });
    });

    it("that breaks stores all received bytes, and fails with the error that broke it", async () => {
      const { running, uploads, id } = await begun();
      const { send, break: breakIt, result } = running();
      await send(bytesOf("abc"));
      breakIt(new Error("gone"));
      await expect(result).rejects.toThrow("gone");
      expect(await uploads.get(id)).toMatchObject({ offset: 3, status: "open" });
    });

    it("that breaks after the last byte leaves a full upload, which the next get() publishes", async () => {
      const { running, uploads, id } = await begun("", { size: 3 });
      const { send, break: breakIt, result } = running();
      await send(bytesOf("abc"));
      breakIt(new Error("gone"));
      await expect(result).rejects.toThrow("gone");
      expect(await uploads.get(id)).toMatchObject({ status: "complete" });
    });
  });

  describe("a stream that is running", () => {
    it("ends for a chunk, and its received bytes are stored", async () => {
      const { running, uploads, id, store } = await begun("", { size: 6 });
      const { send, result, isStopped } = running();
      await send(bytesOf("abc"));
      expect(await uploads.append(id, 3, bytesOf("def"))).toMatchObject({ status: "complete" });
      expect(isStopped()).toBe(true);
      await expect(result).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 3 } });
      expect(await textOf(store, "b", "k.txt")).toBe("abcdef");
    });

    it("ends for another stream", async () => {
      const { running, stream, store } = await begun("", { size: 6 });
      const { send, result } = running();
      await send(bytesOf("abc"));
      expect(await stream(["bc", "def"], { offset: 1 })).toMatchObject({ status: "complete" });
      await expect(result).rejects.toMatchObject({ code: "offset_conflict" });
      expect(await textOf(store, "b", "k.txt")).toBe("abcdef");
    });

    it("ends for an abort", async () => {
      const { running, uploads, id, engines } = await begun();
      const { send, result } = running();
      await send(bytesOf("abc"));
      expect(await uploads.abort(id)).toMatchObject({ status: "aborted" });
      await expect(result).rejects.toMatchObject({ code: "offset_conflict" });
      expectNothingLeaked(engines);
    });

    it("keeps the upload from being completed without its last bytes", async () => {
      const { running, uploads, id } = await begun("abc");
      const { send, end, result } = running();
      await send(bytesOf("def"));
      await expect(uploads.complete(id)).rejects.toMatchObject({ code: "incomplete", details: { offset: 6 } });
      end();
      await result;
      expect(await uploads.complete(id)).toMatchObject({ artifact: { bytes: 6 } });
    });

    it("is stored when the store closes", async () => {
      const { running, store, id, another } = await begun();
      const { send, result } = running();
      await send(bytesOf("abc"));
      await store.close();
      await expect(result).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 3 } });
      expect(await another().get(id)).toMatchObject({ offset: 3 });
    });

    it("loses uncounted bytes to another process, and reports the offset to go on from", async () => {
      const { running, another, uploads, id, engines, stream, store } = await begun("abc");
      const { send, end, result } = running();
      await send(bytesOf("xyz"));
      await another().append(id, 3, bytesOf("de"));
      end();
      await expect(result).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 5 } });
      expect(await uploads.get(id)).toMatchObject({ offset: 5, status: "open" });
      expectNothingLeaked(engines);
      await stream(["f"], { isLast: true });
      expect(await textOf(store, "b", "k.txt")).toBe("abcdef");
    });

    it("fails at its end if it lost its bytes when get() was called", async () => {
      const { running, another, uploads, id } = await begun("abc");
      const { send, end, result } = running();
      await send(bytesOf("xyz"));
      await another().append(id, 3, bytesOf("de"));
      expect(await uploads.get(id)).toMatchObject({ offset: 5 });
      end();
      await expect(result).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 5 } });
    });

    it.each(["abort", "complete"] as const)("ends if another process calls %s", async (ending) => {
      const { running, another, id, engines } = await begun("abc");
      const { send, end, result } = running();
      await send(bytesOf("def"));
      await another()[ending](id);
      end();
      await expect(result).rejects.toMatchObject({ code: "session_closed" });
      expectNothingLeaked(engines);
    });
  });

  describe("a stream with a checksum", () => {
    it.each(["sha256", "sha512", "sha1", "md5"] as const)("(%s) counts all its bytes or none", async (algorithm) => {
      const { stream, uploads, id } = await begun("abc");
      const checksum = (text: string) => ({ checksum: { algorithm, digest: digest(algorithm, text) } });
      const refused = { code: "checksum_mismatch", details: { offset: 3 } };
      await expect(stream(["d", "ef"], checksum("other"))).rejects.toMatchObject(refused);
      expect(await uploads.get(id)).toMatchObject({ offset: 3 });
      expect(await stream(["d", "ef"], checksum("def"))).toMatchObject({ offset: 6 });
    });

    it("counts nothing before its end, and nothing if it breaks", async () => {
      const { running, uploads, id, engines } = await begun("abc");
      const {
        send,
        break: breakIt,
        result,
      } = running({ checksum: { algorithm: "sha256", digest: digest("sha256", "") } });
      await send(randomBytes(checkpointBytes + 1));
      expect(await uploads.get(id)).toMatchObject({ offset: 3 });
      breakIt(new Error("gone"));
      await expect(result).rejects.toThrow("gone");
      expect(await uploads.get(id)).toMatchObject({ offset: 3 });
      expectNothingLeaked(engines);
    });

    it("includes replayed bytes in the checksum", async () => {
      const { stream } = await begun("abc");
      const checksum = { algorithm: "sha256", digest: digest("sha256", "abcdef") } as const;
      expect(await stream(["ab", "cdef"], { offset: 0, checksum })).toMatchObject({ offset: 6 });
    });
  });

  describe("the last stream", () => {
    it("completes an upload without a size if the digest is right", async () => {
      const { stream, uploads, id } = await begun("abc");
      await expect(stream(["def"], { isLast: true, sha256: digest("sha256", "x") })).rejects.toMatchObject({
        code: "checksum_mismatch",
      });
      expect(await uploads.get(id)).toMatchObject({ offset: 6, status: "open" });
      expect(await stream([], { isLast: true, sha256: digest("sha256", "abcdef") })).toMatchObject({
        status: "complete",
      });
      expect(await stream([], { isLast: true })).toMatchObject({ status: "complete" });
    });

    it("does not complete an upload that lacks bytes", async () => {
      const { stream } = await begun("abc", { size: 9 });
      await expect(stream(["def"], { isLast: true })).rejects.toMatchObject({
        code: "incomplete",
        details: { offset: 6 },
      });
    });
  });

  describe("a stream that takes longer than a session lives", () => {
    const checksum = { algorithm: "sha256", digest: digest("sha256", "defghi") } as const;

    it.each([
      ["whose bytes count only at its end", { checksum }],
      ["that brings few bytes", {}],
    ])("%s, renews its session while bytes come", async (_, how) => {
      let now = 1_000_000;
      const clocks = { now: () => now, monotonicMs: () => now, sessionTtlMs: 10_000 };
      const { running, another, id, store, engines } = await begun("abc", { size: 9 }, clocks);
      const sweeping = storeOn(engines, { pieceLimits, ...clocks });
      const { send, end, result } = running(how);
      for (const letter of "defghi") {
        await send(bytesOf(letter));
        now += 6_000;
        expect(await sweeping.sweep.run({ trustsClock: true })).toMatchObject({ expired: 0, failed: 0 });
        const [shown] = (await another().list({ limit: 9 })).data;
        expect(shown).toMatchObject({ id, status: "open", offset: 3 });
      }
      end();
      expect(await result).toMatchObject({ status: "complete", offset: 9 });
      expect(await textOf(store, "b", "k.txt")).toBe("abcdefghi");
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("ends at the renewal if another process has appended meanwhile", async () => {
      let now = 1_000_000;
      const clocks = { now: () => now, monotonicMs: () => now, sessionTtlMs: 10_000 };
      const { running, another, id, engines } = await begun("abc", {}, clocks);
      const { send, result } = running();
      await send(bytesOf("d"));
      await another().append(id, 3, bytesOf("xyz"));
      now += 6_000;
      void send(bytesOf("e")); // the stream takes no more bytes
      await expect(result).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 6 } });
      expectSound(engines);
      expectNothingLeaked(engines);
    });
  });
});
