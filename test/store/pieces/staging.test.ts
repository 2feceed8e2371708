import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import { defaultPieceLimits } from "../../../src/store/model/limits.js";
import type { Piece, SessionRecord } from "../../../src/store/model/records.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { failOnce } from "../../support/faults.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { createMemoryEngines, type MemoryEngines, noRowPieces, storeOn, textOf } from "../../support/stores.js";

const KiB = 1024;
let engines: MemoryEngines;
beforeEach(() => {
  engines = createMemoryEngines();
});

const recordOf = (id: string): SessionRecord => JSON.parse(engines.metadata.rows.get(`session\t${id}`) ?? "");
const kindsOf = (pieces: readonly Piece[]): string => {
  const inRows = pieces.filter(({ in_row }) => in_row).length;
  return `${pieces.length - inRows} stored, ${inRows} in rows`;
};
const create = async ({ uploads }: Store, size?: number): Promise<string> =>
  (await uploads.create({ bucket: "b", key: "k", size })).id;
const on = (options: Partial<StoreOptions> = {}, over: Pick<StoreOptions, "metadata" | "content"> = engines): Store =>
  storeOn(over, options);

/** Appends `count` chunks of `bytes` bytes, by the processes in turn. Returns all of their bytes. */
async function appendChunks(stores: readonly Store[], id: string, count: number, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let n = 0; n < count; n += 1) {
    const part = Buffer.alloc(bytes, `${n % 10}`);
    await stores[n % stores.length]?.uploads.append(id, n * bytes, part);
    parts.push(part);
    expectSound(engines);
  }
  return Buffer.concat(parts);
}

async function expectContent(store: Store, id: string, whole: Buffer): Promise<void> {
  const done = await store.uploads.complete(id);
  expect(done.artifact).toMatchObject({ bytes: whole.length, sha256: digestOf(whole) });
  expect(await textOf(store, "b", "k")).toBe(whole.toString());
  expectSound(engines);
  await store.close();
  expectNothingLeft(engines);
}

describe("small chunks", () => {
  it("are stored in rows, and become one piece with the 65th", async () => {
    const store = on();
    const id = await create(store);
    const before = await appendChunks([store], id, 64, 5);
    expect(kindsOf(recordOf(id).pieces)).toBe("0 stored, 64 in rows");
    await store.uploads.append(id, 320, Buffer.from("more"));
    expect(kindsOf(recordOf(id).pieces)).toBe("0 stored, 1 in rows");
    expect(engines.metadata.pieceMap.size).toBe(1);
    expectSound(engines);
    await expectContent(store, id, Buffer.concat([before, Buffer.from("more")]));
  });

  it("are moved to the content store with the 65th if they have too many bytes for one row", async () => {
    const store = on();
    const id = await create(store);
    await appendChunks([store], id, 64, KiB);
    expect(kindsOf(recordOf(id).pieces)).toBe("0 stored, 64 in rows");
    const whole = await appendChunksFrom(store, id, 64, 65, KiB);
    expect(kindsOf(recordOf(id).pieces)).toBe("1 stored, 0 in rows");
    expect(engines.metadata.pieceMap.size).toBe(0);
    await expectContent(store, id, whole);
  });

  it("are moved to the content store before they have more than 1 MiB together", async () => {
    const store = on();
    const id = await create(store);
    await appendChunks([store], id, 32, 32 * KiB);
    expect(kindsOf(recordOf(id).pieces)).toBe("0 stored, 32 in rows");
    const whole = await appendChunksFrom(store, id, 32, 33, 32 * KiB);
    expect(kindsOf(recordOf(id).pieces)).toBe("1 stored, 0 in rows");
    await expectContent(store, id, whole);
  });

  it("after a piece in the content store are stored in rows again, and are published in the content store", async () => {
    const store = on();
    const id = await create(store);
    const large = Buffer.alloc(80 * KiB, "x");
    await store.uploads.append(id, 0, large);
    await store.uploads.append(id, large.length, Buffer.from("small"));
    expect(kindsOf(recordOf(id).pieces)).toBe("1 stored, 1 in rows");
    await expectContent(store, id, Buffer.concat([large, Buffer.from("small")]));
    const { versions } = JSON.parse(engines.metadata.rows.get("artifact\tb\tk") ?? "");
    expect(kindsOf(versions[0].pieces)).toBe("1 stored, 0 in rows");
  });

  it.each([
    [32 * KiB, "0 stored, 1 in rows"],
    [32 * KiB + 1, "1 stored, 0 in rows"],
  ])("with %i bytes together are published as %s", async (bytes, kinds) => {
    const store = on();
    const id = await create(store);
    await store.uploads.append(id, 0, Buffer.alloc(bytes - 10, "a"));
    await store.uploads.append(id, bytes - 10, Buffer.alloc(10, "b"));
    await store.uploads.complete(id);
    const { versions } = JSON.parse(engines.metadata.rows.get("artifact\tb\tk") ?? "");
    expect(kindsOf(versions[0].pieces)).toBe(kinds);
    expectNothingLeft(engines);
  });

  /** Appends chunks `from` to `to`. Returns the whole content. */
  async function appendChunksFrom(store: Store, id: string, from: number, to: number, bytes: number): Promise<Buffer> {
    const part = (n: number): Buffer => Buffer.alloc(bytes, `${n % 10}`);
    for (let n = from; n < to; n += 1) await store.uploads.append(id, n * bytes, part(n));
    return Buffer.concat(Array.from({ length: to }, (_, n) => part(n)));
  }
});

describe("pieces of many processes", () => {
  it("are folded before there are more than 64 pieces, and the digest is right", async () => {
    const stores = Array.from({ length: 5 }, () => on({ pieceLimits: noRowPieces }));
    const id = await create(stores[0] as Store);
    const whole = await appendChunks(stores, id, 150, 3);
    const { pieces } = recordOf(id);
    expect(pieces.length).toBeLessThanOrEqual(64);
    await stores[0]?.close();
    expectNothingLeaked(engines);
    await expectContent(stores[1] as Store, id, whole);
  });

  it("are folded by several processes at once: one of them wins, and nothing is lost", async () => {
    const pieceLimits = { ...noRowPieces, maxPieces: 3 };
    const stores = Array.from({ length: 4 }, () => on({ pieceLimits }));
    const id = await create(stores[0] as Store);
    await appendChunks(stores, id, 3, 2);
    const results = await Promise.allSettled(
      stores.map(({ uploads }, n) => uploads.append(id, 6, Buffer.from(`${n}${n}`))),
    );
    const won = results.findIndex(({ status }) => status === "fulfilled");
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expectSound(engines);
    for (const store of stores) await store.close();
    expectNothingLeaked(engines);
    await expectContent(stores[0] as Store, id, Buffer.from(`001122${won}${won}`));
  });

  it("leave no file open after it was written for the last time", async () => {
    let isOpen = 0;
    const createPiece: typeof engines.content.createPiece = async (...values) => {
      const writer = await engines.content.createPiece(...values);
      isOpen += 1;
      const close = async (): Promise<void> => {
        isOpen -= 1;
        await writer.close();
      };
      return { ...writer, close };
    };
    const counted = { ...engines, content: { ...engines.content, createPiece } };
    const [one, other] = [on({ pieceLimits: noRowPieces }, counted), on({ pieceLimits: noRowPieces })];
    const id = await create(one);
    await appendChunks([one, other], id, 100, 3);
    expect(isOpen).toBeLessThanOrEqual(1);
    await one.close();
    expect(isOpen).toBe(0);
  });
});

describe.each(pieceKinds)("a digest, with bytes $where", ({ pieceLimits }) => {
  it.each([1, 2, 3])("is right if %i processes have appended in turn", async (processes) => {
    const stores = Array.from({ length: processes }, () => on({ pieceLimits }));
    const id = await create(stores[0] as Store);
    const whole = await appendChunks(stores, id, 7, 2);
    for (const store of stores.slice(1)) await store.close();
    await expectContent(stores[0] as Store, id, whole);
  });

  it("does not include bytes whose change has lost", async () => {
    const [one, other] = [on({ pieceLimits }), on({ pieceLimits })];
    const id = await create(one);
    await one.uploads.append(id, 0, Buffer.from("abc"));
    await other.uploads.append(id, 3, Buffer.from("def"));
    await expect(one.uploads.append(id, 3, Buffer.from("xyz"))).rejects.toMatchObject({ code: "offset_conflict" });
    await one.uploads.append(id, 6, Buffer.from("ghi"));
    await other.close();
    await expectContent(one, id, Buffer.from("abcdefghi"));
  });
});

describe.each(pieceKinds)("an append whose change fails, with bytes $where", ({ pieceLimits }) => {
  const text = "abcdefghijkl";

  it.each(["before", "after"])("%s its effect loses no byte and stores none twice, at any step", async (how) => {
    for (let failing = 1; ; failing += 1) {
      engines = createMemoryEngines();
      const living = on({ pieceLimits });
      const id = await create(living);
      const error = new ArtifactError("internal", "EIO");
      const view = failOnce(engines, failing, error, how === "before");
      const store = on({ pieceLimits }, view);
      let at = 0;
      while (at < text.length) {
        const part = Buffer.from(text.slice(at, at + 3));
        const answer = await store.uploads.append(id, at, part).catch(({ code }) => {
          expect(code).toBe("internal");
          return undefined;
        });
        const { offset } = await living.uploads.get(id);
        if (answer !== undefined) expect(offset, `step ${failing}`).toBe(at + 3);
        expect([at, at + 3]).toContain(offset);
        at = offset;
        expectSound(engines);
        expectNothingLeaked(engines);
      }
      const done = await store.uploads.complete(id).catch(() => living.uploads.complete(id));
      expect(done.artifact?.sha256, `step ${failing}`).toBe(digestOf(text));
      expect(await textOf(living, "b", "k")).toBe(text);
      if (view.steps() < failing) break;
    }
  });

  it("is cut back if another process was first, and this process continues after it", async () => {
    const [one, other] = [on({ pieceLimits }), on({ pieceLimits })];
    const id = await create(one);
    await one.uploads.append(id, 0, Buffer.from("abc"));
    let isOver = false;
    const change: typeof engines.metadata.change = async (rows, pieces) => {
      if (!isOver && rows.some(({ key }) => key.startsWith("session\t"))) {
        isOver = true;
        await other.uploads.append(id, 3, Buffer.from("de"));
      }
      return engines.metadata.change(rows, pieces);
    };
    const late = on({ pieceLimits }, { ...engines, metadata: { ...engines.metadata, change } });
    await expect(late.uploads.append(id, 3, Buffer.from("xyz"))).rejects.toMatchObject({
      code: "offset_conflict",
      details: { offset: 5 },
    });
    expectSound(engines);
    const files = [...engines.content.files.values()].map(({ bytes }) => bytes.toString()).join();
    expect(files).not.toContain("xyz");
    expect(await late.uploads.append(id, 5, Buffer.from("fg"))).toMatchObject({ offset: 7 });
    for (const store of [one, other]) await store.close();
    await expectContent(late, id, Buffer.from("abcdefg"));
  });
});

describe("an append with an unknown outcome", () => {
  const { pieceLimits } = pieceKinds[1];

  /** A process whose next `lost.left` changes fail at once. A test can make them later, with `late`. */
  function losing() {
    const late: (() => ReturnType<MemoryEngines["metadata"]["change"]>)[] = [];
    const lost = { left: 0 };
    return { late, lost, store: on({ pieceLimits }, lossy(lost, late)) };
  }

  it("keeps its bytes while the change may still be made, and they count if it is made", async () => {
    const { late, lost, store } = losing();
    const id = await create(store);
    await store.uploads.append(id, 0, Buffer.from("abc"));
    lost.left = 2; // the change of the append, and the change that would settle the outcome
    await expect(store.uploads.append(id, 3, Buffer.from("def"))).rejects.toMatchObject({ code: "internal" });
    expect(lost.left).toBe(0);
    expect(await late[0]?.()).toBe(true);
    expectSound(engines);
    expect(await on({ pieceLimits }).uploads.get(id)).toMatchObject({ offset: 6 });
    await store.uploads.append(id, 3, Buffer.from("def"));
    await expectContent(store, id, Buffer.from("abcdef"));
  });

  it("gives the row a new revision before the bytes are cut back, so that the change is never made", async () => {
    const { late, lost, store } = losing();
    const id = await create(store);
    await store.uploads.append(id, 0, Buffer.from("abc"));
    const before = recordOf(id);
    lost.left = 1;
    await expect(store.uploads.append(id, 3, Buffer.from("def"))).rejects.toMatchObject({ code: "internal" });
    expect(recordOf(id)).toEqual({ ...before, revision: expect.not.stringMatching(Reflect.get(before, "revision")) });
    expect([...engines.content.files.values()].map(({ bytes }) => bytes.toString())).toEqual(["abc"]);
    expect(await late[0]?.()).toBe(false);
    expectSound(engines);
    await store.uploads.append(id, 3, Buffer.from("def"));
    await expectContent(store, id, Buffer.from("abcdef"));
  });

  it("never writes to the same piece again", async () => {
    const { late, lost, store } = losing();
    const id = await create(store);
    await store.uploads.append(id, 0, Buffer.from("abc"));
    lost.left = 2;
    await expect(store.uploads.append(id, 3, Buffer.from("def"))).rejects.toMatchObject({ code: "internal" });
    await store.uploads.append(id, 3, Buffer.from("xyz"));
    expect(recordOf(id).pieces).toHaveLength(2);
    expect(await late[0]?.()).toBe(false);
    expectSound(engines);
    await expectContent(store, id, Buffer.from("abcxyz"));
  });

  it("of a fold keeps the old pieces and the new one", async () => {
    const { late, lost, store } = losing();
    const other = on({ pieceLimits });
    const id = await create(store);
    const folding = on({ pieceLimits: { ...noRowPieces, maxPieces: 2 } }, lossy(lost, late));
    for (const [n, text] of ["ab", "cd"].entries())
      await [store, other][n]?.uploads.append(id, 2 * n, Buffer.from(text));
    lost.left = 2;
    await expect(folding.uploads.append(id, 4, Buffer.from("ef"))).rejects.toMatchObject({ code: "internal" });
    expectSound(engines);
    expect(await late[0]?.()).toBe(true);
    expectSound(engines);
    await store.uploads.append(id, 4, Buffer.from("ef"));
    expectSound(engines);
    const done = await other.uploads.complete(id);
    expect(done.artifact?.sha256).toBe(digestOf("abcdef"));
    await other.sweep.run();
    expectSound(engines);
    expect(await textOf(other, "b", "k")).toBe("abcdef");
  });

  function lossy(lost: { left: number }, late: (() => ReturnType<MemoryEngines["metadata"]["change"]>)[]) {
    const change: typeof engines.metadata.change = async (rows, pieces) => {
      if (lost.left === 0) return engines.metadata.change(rows, pieces);
      lost.left -= 1;
      late.push(() => engines.metadata.change(rows, pieces));
      throw new ArtifactError("internal", "no answer");
    };
    return { ...engines, metadata: { ...engines.metadata, change } };
  }
});

it("defaultPieceLimits are 32 KiB in a row, 64 KiB of a chunk in a row, 1 MiB in rows, 64 pieces, and 8 when published", () => {
  expect(defaultPieceLimits).toEqual({
    maxRowPieceBytes: 32 * KiB,
    maxRowChunkBytes: 64 * KiB,
    maxRowBytes: 1024 * KiB,
    maxPieces: 64,
    maxPublishedPieces: 8,
  });
});
