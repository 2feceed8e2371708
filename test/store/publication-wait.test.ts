import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { publicationWaitMs } from "../../src/store/limits.js";
import { bytesOf, createMemoryEngines, storeOn } from "../support/stores.js";

/** A store whose publications wait until they are let go on. */
async function openSlow(sha256?: string) {
  const engines = createMemoryEngines();
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const blobs = {
    ...engines.blobs,
    // The copy that seals another process's segments, and the blob's installation.
    openSegment: (session: string, name: string) => gate.then(() => engines.blobs.openSegment(session, name)),
    install: (session: string, name: string) => gate.then(() => engines.blobs.install(session, name)),
  };
  const { id } = await storeOn(engines).uploads.create({ bucket: "b", key: "k", ...(sha256 ? { sha256 } : {}) });
  await storeOn(engines).uploads.append(id, 0, bytesOf("abc"));
  return { store: storeOn({ metadata: engines.metadata, blobs }), id, letGo };
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
    const { store, id, letGo } = await openSlow("0".repeat(64));
    const first = store.uploads.complete(id);
    await vi.advanceTimersByTimeAsync(publicationWaitMs);
    expect(await first).toMatchObject({ status: "completing" });
    letGo();
    await expect(store.uploads.get(id)).rejects.toMatchObject({ code: "checksum_mismatch" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 0 });
  });
});
