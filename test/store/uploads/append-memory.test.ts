import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { publicationWaitMs } from "../../../src/store/model/limits.js";
import type { Store } from "../../../src/store/store.js";
import { gate } from "../../support/gate.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { openSlowPublication } from "../../support/slow-publication.js";
import { bytesOf, createMemoryEngines, storeOn, textOf } from "../../support/stores.js";

/** An append whose caller uses the memory of its bytes for something else as soon as the promise settles. */
async function appendAndReuse({ uploads }: Store, id: string, offset: number, text: string, sha256?: string) {
  const bytes = bytesOf(text);
  return uploads.append(id, offset, bytes, { sha256 }).finally(() => bytes.fill("#"));
}

describe.each(pieceKinds)("append() does not read its bytes again after it settles, with bytes $where", (kind) => {
  it("when they are stored, are a replay, or are refused", async () => {
    const store = storeOn(createMemoryEngines(), { pieceLimits: kind.pieceLimits });
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    const settled = await Promise.allSettled([
      appendAndReuse(store, id, 0, "abc"),
      appendAndReuse(store, id, 99, "gap"),
      appendAndReuse(store, id, 3, "def"),
      appendAndReuse(store, id, 0, "abc"),
      appendAndReuse(store, id, 6, "ghi", digestOf("other")),
      appendAndReuse(store, id, 2, "cdefghi"),
    ]);
    const fulfilled = (offset: number) => ({ status: "fulfilled", value: { offset } });
    const rejected = (code: string) => ({ status: "rejected", reason: { code } });
    expect(settled).toMatchObject([
      fulfilled(3),
      rejected("offset_conflict"),
      fulfilled(6),
      fulfilled(6),
      rejected("checksum_mismatch"),
      fulfilled(9),
    ]);
    await store.uploads.complete(id);
    expect(await textOf(store, "b", "k")).toBe("abcdefghi");
  });

  it("when a change of the rows fails", async () => {
    const engines = createMemoryEngines();
    let fails = false;
    const change: typeof engines.metadata.change = async (...values) => {
      if (fails) throw new Error("the database failed");
      return engines.metadata.change(...values);
    };
    const metadata = { ...engines.metadata, change };
    const store = storeOn({ metadata, content: engines.content }, { pieceLimits: kind.pieceLimits });
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await appendAndReuse(store, id, 0, "abc");
    fails = true;
    await expect(appendAndReuse(store, id, 3, "def")).rejects.toThrow("the database failed");
    fails = false;
    await appendAndReuse(store, id, 3, "ghi");
    await store.uploads.complete(id);
    expect(await textOf(store, "b", "k")).toBe("abcghi");
  });
});

describe("append() does not read its bytes again after it settles, with a publication that takes long", () => {
  const needsEveryChunk = { needsEveryChunk: true };
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("when the publication is its own", async () => {
    const { store, id, letGo, appended } = await openSlowPublication({ size: 4 });
    appended();
    const last = appendAndReuse(store, id, 3, "d");
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await last).toMatchObject({ status: "open", offset: 4 });
    letGo();
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
    expect(await textOf(store, "b", "k")).toBe("abcd");
  });

  /** A publication that waits at its first read of the stored bytes, and fails when it goes on. */
  async function beginFailing() {
    const digesting = gate();
    let reads = 0;
    const beforeRead = async (): Promise<void> => {
      reads += 1;
      if (reads > 1) return;
      await digesting.passed;
      throw new Error("the disk failed");
    };
    const { store, id, letGo } = await openSlowPublication({ beforeRead });
    letGo();
    const publication = store.uploads.complete(id);
    const fail = async (): Promise<void> => {
      expect(await publication).toMatchObject({ status: "open", offset: 3 });
      digesting.open();
    };
    return { store, id, fail };
  }

  it("when it waited, and all its bytes were stored already", async () => {
    const { store, id, fail } = await beginFailing();
    const replay = appendAndReuse(store, id, 0, "abc");
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await replay).toMatchObject({ status: "open", offset: 3 });
    await fail();
    // If it had read the reused memory, its chunk would count as refused.
    expect(await store.uploads.complete(id, needsEveryChunk)).toMatchObject({ status: "complete" });
    expect(await textOf(store, "b", "k")).toBe("abc");
  });

  it.each([
    { bytes: "differ from those stored", offset: 0, text: "abX", answer: { code: "offset_conflict" } },
    { bytes: "would leave a gap", offset: 4, text: "e", answer: { code: "offset_conflict" }, size: 4 },
    { bytes: "are partly new", offset: 0, text: "abcd", answer: { status: "open", offset: 3 } },
    { bytes: "are new", offset: 3, text: "d", answer: { status: "open", offset: 3 } },
  ])("when it waited, and its bytes $bytes: they are not stored", async ({ offset, text, answer, size }) => {
    const { store, id, fail } = await beginFailing();
    const append = appendAndReuse(store, id, offset, text).catch((error) => error);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await append).toMatchObject(answer);
    await fail();
    // The client may have sent this before it had the answer to its chunk.
    await expect(store.uploads.complete(id, needsEveryChunk)).rejects.toMatchObject({ code: "incomplete" });
    expect(await store.uploads.append(id, 3, bytesOf("d"))).toMatchObject({ offset: 4 });
    // The place of the chunk behind the gap stays empty, so a size must say that all is there.
    await store.uploads.complete(id, { ...needsEveryChunk, size });
    expect(await textOf(store, "b", "k")).toBe("abcd");
  });

  it("when the publication ends while it compares its bytes", async () => {
    const reading = gate();
    let beforeRead = async (): Promise<void> => undefined;
    const { store, id, letGo } = await openSlowPublication({ beforeRead: () => beforeRead() });
    const publication = store.uploads.complete(id);
    const replay = appendAndReuse(store, id, 0, "abc");
    await vi.advanceTimersByTimeAsync(publicationWaitMs - 1);
    let reads = 0;
    beforeRead = async () => {
      reads += 1;
      if (reads === 1) await reading.passed;
    };
    await vi.advanceTimersByTimeAsync(1);
    expect(reads).toBe(1);
    letGo();
    expect(await publication).toMatchObject({ status: "open", offset: 3 });
    await expect.poll(() => reads).toBe(2); // its turn has come
    reading.open();
    expect(await replay).toMatchObject({ status: "complete" });
    expect(await textOf(store, "b", "k")).toBe("abc");
  });
});
