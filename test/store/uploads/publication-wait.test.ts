import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { publicationWaitMs } from "../../../src/store/model/limits.js";
import { gate } from "../../support/gate.js";
import { bytesOf, createMemoryEngines, storeOn } from "../../support/stores.js";

interface Slow {
  readonly sha256?: string;
  /** Its first bytes wait too, where a size is given. */
  readonly size?: number;
  /** Bytes that are stored can be read meanwhile, once this has passed. */
  readonly beforeRead?: () => Promise<void>;
}

/** A store whose publications wait until they are let go on. */
async function openSlow({ sha256, size, beforeRead }: Slow = {}) {
  const engines = createMemoryEngines();
  const publication = gate();
  const bytes = gate();
  const blobs = {
    ...engines.blobs,
    // The copy that seals another process's segments, and the blob's installation.
    openSegment: async (session: string, name: string) => {
      await (beforeRead?.() ?? publication.passed);
      return engines.blobs.openSegment(session, name);
    },
    install: (session: string, name: string) => publication.passed.then(() => engines.blobs.install(session, name)),
    createSegment: async (session: string, start: number) => {
      if (size !== undefined) await bytes.passed;
      return engines.blobs.createSegment(session, start);
    },
  };
  const { id } = await storeOn(engines).uploads.create({ bucket: "b", key: "k", sha256, size });
  await storeOn(engines).uploads.append(id, 0, bytesOf("abc"));
  const store = storeOn({ metadata: engines.metadata, blobs });
  return { store, id, letGo: publication.open, appended: bytes.open };
}

describe("a publication that takes long", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("lets its caller hear completing after 20 s, and who asks again wait with it", async () => {
    const { store, id, letGo } = await openSlow();
    const first = store.uploads.complete(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs - 1);
    expect(await Promise.race([first, "waiting"])).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await first).toMatchObject({ status: "completing", offset: 3 });

    const second = store.uploads.get(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await second).toMatchObject({ status: "completing" });

    const third = store.uploads.get(id);
    letGo();
    expect(await third).toMatchObject({ status: "complete", artifact: { version: 1 } });
  });

  it("that fails when nobody waits any more tells why to who asks next, once", async () => {
    const { store, id, letGo } = await openSlow({ sha256: "0".repeat(64) });
    const first = store.uploads.complete(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await first).toMatchObject({ status: "completing" });
    letGo();
    await expect(store.uploads.get(id)).rejects.toMatchObject({ code: "checksum_mismatch" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 0 });
  });

  it("lets a call that only waited be made again, and keeps no failure of it", async () => {
    const { store, id, letGo } = await openSlow();
    const first = store.uploads.complete(id);
    const abort = store.uploads.abort(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await abort).toMatchObject({ status: "completing" });
    letGo();
    expect(await first).toMatchObject({ status: "completing" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
  });

  it("is no answer to an append whose bytes are others than those stored", async () => {
    const { store, id, letGo } = await openSlow({ beforeRead: async () => undefined });
    const first = store.uploads.complete(id);
    const [same, other, more] = ["abc", "abX", "abcd"].map((text) => store.uploads.append(id, 0, bytesOf(text)));
    for (const call of [other, more]) call?.catch(() => undefined); // looked at below
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await same).toMatchObject({ status: "completing", offset: 3 });
    await expect(other).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 3 } });
    await expect(more).rejects.toMatchObject({ code: "session_closed", details: { status: "completing" } });
    letGo();
    expect(await first).toMatchObject({ status: "completing" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
  });

  it("that fails does not let in what was refused while it ran, and its failure is told to who asks", async () => {
    const { store, id, letGo } = await openSlow({ sha256: "0".repeat(64) });
    const first = store.uploads.complete(id);
    const refused = store.uploads.append(id, 3, bytesOf("d"));
    refused.catch(() => undefined); // looked at below
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    await expect(refused).rejects.toMatchObject({ code: "session_closed" });
    letGo();
    expect(await first).toMatchObject({ status: "completing" });
    await expect(store.uploads.get(id)).rejects.toMatchObject({ code: "checksum_mismatch" });
    expect(await store.uploads.get(id)).toMatchObject({ offset: 0 });
  });

  it("that ends while a replay is compared is answered for, though the replay's memory has gone", async () => {
    const reading = gate();
    let beforeRead = async (): Promise<void> => undefined;
    const { store, id, letGo } = await openSlow({ beforeRead: () => beforeRead() });
    const first = store.uploads.complete(id);
    const bytes = bytesOf("abc");
    const replay = store.uploads.append(id, 0, bytes, { onDone: () => void bytes.fill(0) });
    await vi.advanceTimersByTimeAsync(publicationWaitMs - 1);
    let isCompared = false;
    beforeRead = () => {
      isCompared = true;
      return reading.passed;
    };
    await vi.advanceTimersByTimeAsync(1);
    expect(isCompared).toBe(true);
    letGo();
    expect(await first).toMatchObject({ status: "completing" });
    await expect.poll(() => bytes[0]).toBe(0);
    reading.open();
    expect(await replay).toMatchObject({ status: "complete" });
  });

  it("that failed does not keep its upload from being aborted", async () => {
    const { store, id, letGo } = await openSlow({ sha256: "0".repeat(64) });
    const first = store.uploads.complete(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await first).toMatchObject({ status: "completing" });
    letGo();
    expect(await store.uploads.abort(id)).toMatchObject({ status: "aborted" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "aborted" });
  });

  it("and that began late in a call lets its caller hear completing soon after", async () => {
    const { store, id, letGo, appended } = await openSlow({ size: 4 });
    const last = store.uploads.append(id, 3, bytesOf("d"));
    await vi.advanceTimersByTimeAsync(publicationWaitMs + 500);
    appended();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await last).toMatchObject({ status: "completing", offset: 4 });
    letGo();
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
  });
});
