import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../../src/store/store.js";
import type { CreateUpload } from "../../../src/store/uploads/new-session.js";
import { Dead, stepwise } from "../../support/faults.js";
import { expectListed, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, storeOn, textOf } from "../../support/stores.js";

const at = { bucket: "b", key: "k.csv" };
const text = "id,name\n1,one\n";

describe.each(pieceKinds)("an upload that extends its own key, with bytes $where", ({ pieceLimits }) => {
  let engines: MemoryEngines;
  let store: Store;
  const save = (content: string) =>
    store.artifacts.save({ ...at, bytes: bytesOf(content), defaultMimeType: "text/plain", metadata: { run: "1" } });
  const extend = (more: Partial<CreateUpload> = {}) => store.uploads.create({ ...at, from: at, ...more });

  beforeEach(() => {
    engines = createMemoryEngines();
    store = storeOn(engines, { pieceLimits });
  });

  it("is guarded by its version, keeps type and metadata, and shows what it ends with", async () => {
    await save(text);
    const session = await extend();
    const about = { mime_type: "text/csv", metadata: { run: "1" }, if_version: "1" };
    expect(session).toMatchObject({ ...about, offset: text.length, status: "open", tail: text });
    await store.uploads.append(session.id, text.length, bytesOf("2,two\n"));
    const { artifact } = await store.uploads.complete(session.id);
    expect(artifact).toMatchObject({ version: 2, mime_type: "text/csv", metadata: { run: "1" } });
    expect(await textOf(store, "b", "k.csv")).toBe(`${text}2,two\n`);
    expect(await textOf(store, "b", "k.csv", 1)).toBe(text);
    expectNothingLeft(engines);
  });

  it("has the type, the metadata and the guard that it is given", async () => {
    for (const content of ["one", "two"]) await save(content);
    const from = { ...at, version: 1 };
    const given = { mime_type: "text/plain", metadata: {}, if_version: 2 };
    expect(await extend({ from, ...given })).toMatchObject({ ...given, if_version: "2", tail: "one" });
  });

  it("becomes a conflict if somebody saved to the key meanwhile", async () => {
    await save(text);
    const { id } = await extend();
    await save("other");
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "conflict", tail: text });
  });

  it("is refused at once from an older version, with the guard that would allow it", async () => {
    for (const content of ["one", "two"]) await save(content);
    const older = extend({ from: { ...at, version: 1 } });
    await expect(older).rejects.toMatchObject({
      code: "version_conflict",
      next: "create_on_newest",
      details: { if_version: 1, version: 2 },
    });
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toEqual([]);
  });

  it("from a version that is gone names the versions there are", async () => {
    for (const content of ["one", "two", "three"]) await save(content);
    await store.artifacts.delete("b", "k.csv", { version: 2 });
    await expect(extend({ from: { ...at, version: 2 } })).rejects.toMatchObject({
      code: "artifact_not_found",
      message: expect.stringContaining("The versions are 3, 1."),
      details: { version: 2, versions: [3, 1] },
    });
  });

  it("is of no guard if it is for another key", async () => {
    await save(text);
    expect(await extend({ key: "other.csv" })).not.toHaveProperty("if_version");
  });

  it("extends an empty version", async () => {
    await save("");
    const { id, offset } = await extend();
    expect(offset).toBe(0);
    await store.uploads.append(id, 0, bytesOf("text"));
    expect(await store.uploads.complete(id)).toMatchObject({ artifact: { version: 2, bytes: 4 } });
  });

  it("reads the whole once to be completed", async () => {
    await save("0123456789".repeat(100));
    const { id, offset } = await extend();
    await store.uploads.append(id, offset, bytesOf("end"));
    let bytes = 0;
    const openPiece: typeof engines.content.openPiece = async (session, piece) => {
      const reader = await engines.content.openPiece(session, piece);
      const read = async (start: number, length: number): Promise<Uint8Array> => {
        bytes += length;
        return (await reader?.read(start, length)) ?? new Uint8Array();
      };
      return reader && { ...reader, read };
    };
    const counted = storeOn({ ...engines, content: { ...engines.content, openPiece } }, { pieceLimits });
    await counted.uploads.complete(id);
    expect(bytes).toBeLessThanOrEqual(offset + 3);
    expect(await textOf(store, "b", "k.csv")).toBe(`${"0123456789".repeat(100)}end`);
  });

  it("is shown to nobody before it has the content of its version, whenever its process dies", async () => {
    for (let last = 1; ; last += 1) {
      engines = createMemoryEngines();
      store = storeOn(engines, { pieceLimits });
      await save(text);
      let steps = 0;
      const dying = stepwise(engines, async (act) => {
        steps += 1;
        if (steps >= last) throw new Dead("dead");
        return act();
      });
      await storeOn(dying, { pieceLimits })
        .uploads.create({ ...at, from: at })
        .catch(() => undefined);
      expectSound(engines);
      expectListed(engines);
      for (const session of (await store.uploads.list({ ...at, limit: 9 })).data) expect(session.tail).toBe(text);
      if (steps < last) break;
    }
  });
});
