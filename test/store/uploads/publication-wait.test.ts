import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { publicationWaitMs } from "../../../src/store/model/limits.js";
import { openSlowPublication } from "../../support/slow-publication.js";
import { bytesOf } from "../../support/stores.js";

describe("a publication that takes long", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("answers its caller after 20 s with the session as it is, and later callers wait for it again", async () => {
    const { store, id, letGo } = await openSlowPublication();
    const first = store.uploads.complete(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs - 1);
    expect(await Promise.race([first, "waiting"])).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await first).toMatchObject({ status: "open", offset: 3 });

    const second = store.uploads.get(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await second).toMatchObject({ status: "open", offset: 3 });

    const third = store.uploads.get(id);
    letGo();
    expect(await third).toMatchObject({ status: "complete", artifact: { version: 1 } });
  });

  it("keeps the bytes if it fails after its answer, and the next completion reports why", async () => {
    const { store, id, letGo } = await openSlowPublication({ sha256: "0".repeat(64) });
    const first = store.uploads.complete(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await first).toMatchObject({ status: "open", offset: 3 });
    letGo();
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "checksum_mismatch" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
  });

  it("of a sized upload also reports its failure to get()", async () => {
    const { store, id, letGo, appended } = await openSlowPublication({ sha256: "0".repeat(64), size: 4 });
    appended();
    const last = store.uploads.append(id, 3, bytesOf("d"));
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await last).toMatchObject({ status: "open", offset: 4, size: 4 });
    letGo();
    await expect(store.uploads.get(id)).rejects.toMatchObject({ code: "checksum_mismatch", details: { offset: 4 } });
  });

  it("answers a call that waits for it, and ignores a later failure of that call", async () => {
    const { store, id, letGo } = await openSlowPublication();
    const first = store.uploads.complete(id);
    const abort = store.uploads.abort(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await abort).toMatchObject({ status: "open", offset: 3 });
    letGo();
    expect(await first).toMatchObject({ status: "open", offset: 3 });
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
  });

  it("refuses a waiting append whose bytes differ from those stored", async () => {
    const { store, id, letGo } = await openSlowPublication({ beforeRead: async () => undefined });
    const first = store.uploads.complete(id);
    const [same, other, more] = ["abc", "abX", "abcd"].map((text) => store.uploads.append(id, 0, bytesOf(text)));
    for (const call of [other, more]) call?.catch(() => undefined); // looked at below
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await same).toMatchObject({ status: "open", offset: 3 });
    await expect(other).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 3 } });
    expect(await more).toMatchObject({ status: "open", offset: 3 }); // the offset says that the last byte is not stored
    letGo();
    expect(await first).toMatchObject({ status: "open", offset: 3 });
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
  });

  it("is no answer to an append with a wrong digest", async () => {
    const { store, id, letGo } = await openSlowPublication({ beforeRead: async () => undefined });
    const first = store.uploads.complete(id);
    const replay = store.uploads.append(id, 0, bytesOf("abc"), { sha256: "0".repeat(64) });
    replay.catch(() => undefined); // looked at below
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    await expect(replay).rejects.toMatchObject({ code: "checksum_mismatch" });
    letGo();
    expect(await first).toMatchObject({ status: "open", offset: 3 });
  });

  it("stores no append that it answered or refused, even if it fails", async () => {
    const { store, id, letGo } = await openSlowPublication({ sha256: "0".repeat(64) });
    const first = store.uploads.complete(id);
    const [next, refused] = [store.uploads.append(id, 3, bytesOf("d")), store.uploads.append(id, 4, bytesOf("e"))];
    refused.catch(() => undefined); // looked at below
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    for (const call of [first, next]) expect(await call).toMatchObject({ status: "open", offset: 3 });
    await expect(refused).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 3 } });
    letGo();
    expect(await store.uploads.get(id)).toMatchObject({ offset: 3 });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "checksum_mismatch" });
  });

  it("lets the upload be aborted after it failed", async () => {
    const { store, id, letGo } = await openSlowPublication({ sha256: "0".repeat(64) });
    const first = store.uploads.complete(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await first).toMatchObject({ status: "open", offset: 3 });
    letGo();
    expect(await store.uploads.abort(id)).toMatchObject({ status: "aborted" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "aborted" });
  });

  it("answers its caller within a second if it began after the first 20 s of the call", async () => {
    const { store, id, letGo, appended } = await openSlowPublication({ size: 4 });
    const last = store.uploads.append(id, 3, bytesOf("d"));
    await vi.advanceTimersByTimeAsync(publicationWaitMs + 500);
    appended();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await last).toMatchObject({ status: "open", offset: 4, size: 4 });
    letGo();
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
  });
});
