import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { failOnce } from "../../support/faults.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
  textOf,
} from "../../support/stores.js";

const from = { bucket: "b", key: "source" };
const to = { bucket: "b", key: "copy", mime_type: "text/plain" };

describe.each(pieceKinds)("an upload that begins with a version, with bytes $where", ({ pieceLimits }) => {
  let engines: MemoryEngines;
  let store: Store;
  const on = (over: Pick<StoreOptions, "metadata" | "content">, options: Partial<StoreOptions> = {}): Store =>
    storeOn(over, { pieceLimits, ...options });
  const isArtifactRow = (key: string): boolean => key.startsWith("artifact\t");

  beforeEach(() => {
    engines = createMemoryEngines();
    store = on(engines);
  });

  it("is a copy if nothing is appended, and leaves the source as it was", async () => {
    const source = await saveText(store, "b", "source", "content");
    const before = engines.metadata.rows.get("artifact\tb\tsource");
    const done = await store.uploads.create({ ...to, size: 7, from });
    expect(done).toMatchObject({ status: "complete", offset: 7, artifact: { version: 1, sha256: source.sha256 } });
    expect(await textOf(store, "b", "copy")).toBe("content");
    expect(engines.metadata.rows.get("artifact\tb\tsource")).toBe(before);
    await store.artifacts.delete("b", "source");
    expect(await textOf(store, "b", "copy")).toBe("content");
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("accepts more bytes, is then published, and leaves the source as it was", async () => {
    await saveText(store, "b", "source", "abc");
    const { id, offset, status } = await store.uploads.create({ ...to, from });
    expect([offset, status]).toEqual([3, "open"]);
    for (const [at, text] of [[3, "de"] as const, [5, "fgh"] as const]) {
      await store.uploads.append(id, at, bytesOf(text));
      expectSound(engines);
    }
    expect(await store.uploads.append(id, 0, bytesOf("abcdefgh"))).toMatchObject({ offset: 8 });
    const done = await store.uploads.complete(id);
    expect(done.artifact).toMatchObject({ version: 1, sha256: digestOf("abcdefgh") });
    expect(await textOf(store, "b", "copy")).toBe("abcdefgh");
    expect(await textOf(store, "b", "source")).toBe("abc");
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("extends its own key", async () => {
    await saveText(store, "b", "source", "abc");
    const { id } = await store.uploads.create({ ...to, key: "source", size: 6, if_version: 1, from });
    expect(await store.uploads.append(id, 3, bytesOf("def"))).toMatchObject({ artifact: { version: 2 } });
    expect(await textOf(store, "b", "source", 1)).toBe("abc");
    expect(await textOf(store, "b", "source")).toBe("abcdef");
    expectNothingLeft(engines);
  });

  it("begins with the given version, or else with the newest", async () => {
    for (const text of ["one", "three"]) await saveText(store, "b", "source", text);
    const [newest, older] = [await store.uploads.create({ ...to, from }), { ...from, version: 1 }];
    expect(newest).toMatchObject({ offset: 5 });
    expect(await store.uploads.create({ ...to, from: older })).toMatchObject({ offset: 3 });
  });

  it("reads no byte if nothing is appended, as the digest is known", async () => {
    await saveText(store, "b", "source", "content");
    const openPiece = () => Promise.reject(new Error("nobody reads"));
    const copying = on({ ...engines, content: { ...engines.content, openPiece } });
    const done = await copying.uploads.create({ ...to, size: 7, from, sha256: digestOf("content") });
    expect(done).toMatchObject({ status: "complete", artifact: { sha256: digestOf("content") } });
    const unsized = await copying.uploads.create({ ...to, key: "another", from });
    expect(await copying.uploads.complete(unsized.id)).toMatchObject({ status: "complete" });
    expect(await textOf(store, "b", "another")).toBe("content");
  });

  it("begins with an empty version", async () => {
    await saveText(store, "b", "source", "");
    expect(await store.uploads.create({ ...to, size: 0, from })).toMatchObject({ status: "complete" });
    const { id } = await store.uploads.create({ ...to, key: "more", size: 3, from });
    expect(await store.uploads.append(id, 0, bytesOf("abc"))).toMatchObject({ status: "complete" });
    expectSound(engines);
  });

  it("is refused without a session if the version is longer than the declared size", async () => {
    await saveText(store, "b", "source", "content");
    const before = new Map(engines.metadata.rows);
    for (const size of [0, 6]) {
      const refused = store.uploads.create({ ...to, size, from });
      await expect(refused).rejects.toMatchObject({
        code: "size_exceeded",
        next: "create_without_size",
        details: { bytes: 7, size },
      });
    }
    expect(engines.metadata.rows).toEqual(before);
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toEqual([]);
    expectNothingLeft(engines);
  });

  it.each([
    ["an unknown key", { bucket: "b", key: "none" }, "artifact_not_found"],
    ["an unknown version", { ...from, version: 2 }, "artifact_not_found"],
    ["an invalid bucket", { bucket: "..", key: "source" }, "invalid_argument"],
    ["an invalid key", { bucket: "b", key: "a\tb" }, "invalid_argument"],
  ])("is refused without a session if the source has %s", async (_, source, code) => {
    await saveText(store, "b", "source", "content");
    const before = new Map(engines.metadata.rows);
    await expect(store.uploads.create({ ...to, from: source })).rejects.toMatchObject({ code });
    expect(engines.metadata.rows).toEqual(before);
  });

  it("finds its source by a key in another Unicode form", async () => {
    await saveText(store, "b", "über", "content");
    expect(await store.uploads.create({ ...to, size: 7, from: { bucket: "b", key: "u\u0308ber" } })).toMatchObject({
      status: "complete",
    });
  });

  /** Runs `other` right before the engine copies a piece, or reads pieces in rows. */
  function interrupted(other: () => Promise<unknown>): Store {
    let isOver = false;
    const once = async (): Promise<void> => {
      if (isOver) return;
      isOver = true;
      await other();
    };
    const copy: typeof engines.content.copy = async (...values) => {
      await once();
      return engines.content.copy(...values);
    };
    const pieces: typeof engines.metadata.pieces = async (...values) => {
      await once();
      return engines.metadata.pieces(...values);
    };
    return on({ metadata: { ...engines.metadata, pieces }, content: { ...engines.content, copy } });
  }

  it("is refused if the source is deleted while it is copied, and leaves nothing", async () => {
    await saveText(store, "b", "source", "content");
    const copying = interrupted(() => store.artifacts.delete("b", "source"));
    await expect(copying.uploads.create({ ...to, from })).rejects.toMatchObject({ code: "artifact_not_found" });
    expectSound(engines);
    expectNothingLeft(engines);
    const open = (await store.uploads.list({ all: true, limit: 9 })).data.filter(({ status }) => status === "open");
    expect(open).toEqual([]);
  });

  it("begins with the newest version if the source got a new one and lost the older one meanwhile", async () => {
    await saveText(store, "b", "source", "content");
    const limited = on(engines, { keepVersions: 1 });
    const copying = interrupted(() => saveText(limited, "b", "source", "other content"));
    expect(await copying.uploads.create({ ...to, from })).toMatchObject({ offset: 13 });
    expectSound(engines);
  });

  it("is refused as corrupt if the bytes of the source are lost", async () => {
    await saveText(store, "b", "source", "content");
    engines.content.files.clear();
    engines.metadata.pieceMap.clear();
    await expect(store.uploads.create({ ...to, from })).rejects.toMatchObject({
      code: "corrupt",
      next: "verify_store",
    });
    expect(engines.content.files.size + engines.metadata.pieceMap.size).toBe(0);
  });

  it("is refused beyond the limit of unfinished bytes, and leaves nothing", async () => {
    await saveText(store, "b", "source", "content");
    const limited = on(engines, { maxUnfinishedBytes: 6 });
    await expect(limited.uploads.create({ ...to, from })).rejects.toMatchObject({ code: "storage_full" });
    expectNothingLeft(engines);
    const { id } = await limited.uploads.create(to);
    expect(await limited.uploads.append(id, 0, bytesOf("123456"))).toMatchObject({ offset: 6 });
  });

  it("leaves no piece without a row, whichever step fails", async () => {
    for (const isBefore of [true, false]) {
      for (let failing = 1; ; failing += 1) {
        engines = createMemoryEngines();
        store = on(engines);
        await saveText(store, "b", "source", "abcdef");
        const { id } = await store.uploads.create({ ...to, key: "source", from });
        await store.uploads.append(id, 6, bytesOf("ghi"));
        await store.uploads.complete(id);
        const view = failOnce(engines, failing, new ArtifactError("internal", "EIO"), isBefore);
        await on(view)
          .uploads.create({ ...to, size: 9, from })
          .catch(({ code }) => expect(code).toBe("internal"));
        expectSound(engines);
        expectNothingLeaked(engines);
        expect(await textOf(store, "b", "source"), `step ${failing}`).toBe("abcdefghi");
        expect([...engines.metadata.rows.keys()].filter(isArtifactRow).length).toBeGreaterThan(0);
        if (view.steps() < failing) break;
      }
    }
  });
});

it("create() removes the copied pieces if the disk is full before all of them are copied", async () => {
  const pieceLimits = noRowPieces;
  const engines = createMemoryEngines();
  const [one, two] = [storeOn(engines, { pieceLimits }), storeOn(engines, { pieceLimits })];
  const { id } = await one.uploads.create({ bucket: "b", key: "source", size: 6 });
  await one.uploads.append(id, 0, bytesOf("abc"));
  await two.uploads.append(id, 3, bytesOf("def"));
  expect(engines.content.files.size).toBe(2);
  let copies = 0;
  const copy: typeof engines.content.copy = async (...values) => {
    copies += 1;
    if (copies === 2) throw new ArtifactError("storage_full", "full");
    return engines.content.copy(...values);
  };
  const full = storeOn({ ...engines, content: { ...engines.content, copy } }, { pieceLimits });
  await expect(full.uploads.create({ ...to, from })).rejects.toMatchObject({ code: "storage_full" });
  expect(engines.content.files.size).toBe(2);
  expectNothingLeft(engines);
  expect(await two.uploads.create({ ...to, size: 6, from })).toMatchObject({ status: "complete" });
});
