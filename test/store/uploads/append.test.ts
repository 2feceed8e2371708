import { describe, expect, it } from "vitest";
import { expectNothingLeaked, expectSound } from "../../support/invariants.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, storeOn, textOf } from "../../support/stores.js";

const at = { bucket: "b", key: "k.txt" };

describe.each(pieceKinds)("append() with bytes $where", ({ pieceLimits }) => {
  function open(options = {}) {
    const engines = createMemoryEngines();
    return { engines, store: storeOn(engines, { pieceLimits, ...options }) };
  }

  it("checks the chunk's own digest first and keeps nothing of a wrong one", async () => {
    const { store, engines } = open();
    const { id } = await store.uploads.create(at);
    const before = new Map(engines.metadata.rows);
    const wrong = store.uploads.append(id, 99, bytesOf("abc"), { sha256: digestOf("abd") });
    await expect(wrong).rejects.toMatchObject({
      code: "checksum_mismatch",
      next: "send_again",
      details: { actual: digestOf("abc") },
    });
    expect(engines.metadata.rows).toEqual(before);
    expect(await store.uploads.append(id, 0, bytesOf("abc"), { sha256: digestOf("abc") })).toMatchObject({ offset: 3 });
  });

  it("accepts a replay with new bytes behind it, and refuses bytes that differ", async () => {
    const { store, engines } = open();
    const { id } = await store.uploads.create(at);
    await store.uploads.append(id, 0, bytesOf("abcdef"));
    expect(await store.uploads.append(id, 2, bytesOf("cd"))).toMatchObject({ offset: 6 });
    expect(await store.uploads.append(id, 4, bytesOf("efgh"))).toMatchObject({ offset: 8 });
    const other = store.uploads.append(id, 4, bytesOf("eXghij"));
    await expect(other).rejects.toMatchObject({
      code: "offset_conflict",
      message: expect.stringContaining("differ from what is stored, from byte 5 on"),
      next: "check_content",
      details: { offset: 8 },
    });
    expectSound(engines);
    expectNothingLeaked(engines);
    await store.uploads.complete(id);
    expect(await textOf(store, "b", "k.txt")).toBe("abcdefgh");
  });

  it("says with which guard the upload began if the very first byte differs", async () => {
    const { store } = open();
    await store.artifacts.save({ ...at, bytes: bytesOf("abcdef"), defaultMimeType: "text/plain" });
    const { id } = await store.uploads.create({ ...at, from: at });
    const other = store.uploads.append(id, 0, bytesOf("Xbcdef"));
    await expect(other).rejects.toMatchObject({
      code: "offset_conflict",
      next: "check_content",
      details: { offset: 6, differs_at: 0, if_version: "1" },
      message: "The bytes that were sent differ from what is stored, from byte 0 on, and were not kept.",
    });
  });

  it("answers a replay after completion with the artifact", async () => {
    const { store } = open();
    const { id } = await store.uploads.create({ ...at, size: 4 });
    const done = await store.uploads.append(id, 0, bytesOf("abcd"));
    expect(await store.uploads.append(id, 2, bytesOf("cd"))).toEqual(done);
    expect(await store.uploads.append(id, 4, bytesOf(""))).toEqual(done);
    const other = store.uploads.append(id, 2, bytesOf("cX"));
    await expect(other).rejects.toMatchObject({ code: "offset_conflict", next: "use_published" });
    await expect(store.uploads.append(id, 4, bytesOf("e"))).rejects.toMatchObject({ code: "size_exceeded" });
    await store.artifacts.delete("b", "k.txt");
    await expect(store.uploads.append(id, 0, bytesOf("ab"))).rejects.toMatchObject({ code: "session_closed" });
  });

  it("refuses a chunk or an artifact that is too large", async () => {
    const { store } = open({ maxChunkBytes: 4, maxArtifactBytes: 6 });
    await expect(store.uploads.create({ ...at, size: 7 })).rejects.toMatchObject({ code: "too_large" });
    const { id } = await store.uploads.create(at);
    await expect(store.uploads.append(id, 0, bytesOf("abcde"))).rejects.toMatchObject({ code: "too_large" });
    await store.uploads.append(id, 0, bytesOf("abcd"));
    await expect(store.uploads.append(id, 4, bytesOf("efg"))).rejects.toMatchObject({ code: "too_large" });
    expect(await store.uploads.append(id, 4, bytesOf("ef"))).toMatchObject({ offset: 6 });
  });
});
