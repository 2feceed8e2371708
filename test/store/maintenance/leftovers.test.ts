import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
  textOf,
} from "../../support/stores.js";

const dayMs = 24 * 60 * 60 * 1000;
const trusting = { trustsClock: true };
let now = 0;
let engines: MemoryEngines;
let store: Store;

const on = (over: Pick<StoreOptions, "metadata" | "content">): Store =>
  storeOn(over, { now: () => now, monotonicMs: () => now, pieceLimits: noRowPieces });
const rowsOf = (prefix: string): string[] => [...engines.metadata.rows.keys()].filter((key) => key.startsWith(prefix));

beforeEach(() => {
  now = 1_800_000_000_000;
  engines = createMemoryEngines({ now: () => now });
  store = on(engines);
});

describe("the sweep removes freed pieces", () => {
  const remove = () => Promise.reject(new ArtifactError("internal", "EIO"));

  it("whose remover died, at any age and by any clock", async () => {
    await saveText(store, "b", "k", "text");
    await on({ ...engines, content: { ...engines.content, remove } }).artifacts.delete("b", "k");
    expect(engines.content.files.size).toBe(1);
    expect(await store.sweep.run({ trustsClock: false })).toMatchObject({ rows: 1, failed: 0 });
    expectNothingLeft(engines);
    expect(rowsOf("freed\t")).toEqual([]);
  });

  it("and their row goes only after the removal", async () => {
    await saveText(store, "b", "k", "text");
    const events: string[] = [];
    const spied = {
      metadata: {
        ...engines.metadata,
        change: async (...values: Parameters<typeof engines.metadata.change>) => {
          const isDrop = values[0].some(({ key, next }) => key.startsWith("freed\t") && next === undefined);
          if (isDrop) events.push("row");
          return engines.metadata.change(...values);
        },
      },
      content: {
        ...engines.content,
        remove: async (pieces: Parameters<typeof engines.content.remove>[0]) => {
          await new Promise((resolve) => setImmediate(resolve));
          await engines.content.remove(pieces);
          events.push("removed");
        },
      },
    };
    const deleting = on(spied);
    await deleting.artifacts.delete("b", "k");
    await deleting.close();
    expect(events).toEqual(["removed", "row"]);
    expectNothingLeft(engines);
  });

  it("again if their removal failed, and reports the failure", async () => {
    await saveText(store, "b", "k", "text");
    const failing = on({ ...engines, content: { ...engines.content, remove } });
    await failing.artifacts.delete("b", "k");
    expect(await failing.sweep.run()).toMatchObject({ rows: 0, failed: 1 });
    await failing.close();
    expect(rowsOf("freed\t")).toHaveLength(1);
    expect(await store.sweep.run()).toMatchObject({ rows: 1, failed: 0 });
    expectNothingLeft(engines);
  });

  it("while another sweep does the same", async () => {
    for (const key of ["one", "two", "three"]) {
      await saveText(store, "b", key, "text");
      await on({ ...engines, content: { ...engines.content, remove } }).artifacts.delete("b", key);
    }
    const reports = await Promise.all([store.sweep.run(), on(engines).sweep.run()]);
    for (const report of reports) expect(report).toMatchObject({ failed: 0 });
    expect(rowsOf("freed\t")).toEqual([]);
    expectNothingLeft(engines);
  });
});

describe("leftover pieces of an ended upload", () => {
  /** Leaves the piece of an append that lost, as if its process had died before it removed the piece. */
  async function leave(id: string): Promise<void> {
    const writer = await engines.content.createPiece(id, 3);
    await writer.write(bytesOf("left"));
  }

  async function complete(): Promise<string> {
    const { id } = await store.uploads.create({ bucket: "b", key: "k", size: 3 });
    await leave(id);
    await store.uploads.append(id, 0, bytesOf("abc"));
    return id;
  }

  it("are removed before the row of the upload, a day after its end and its expiry, not earlier", async () => {
    const id = await complete();
    now += 8 * dayMs - 1000;
    expect(await store.sweep.run(trusting)).toMatchObject({ files: 0, rows: 0 });
    expect(engines.content.files.size).toBe(2);
    now += 1000;
    expect(await store.sweep.run({ trustsClock: false })).toMatchObject({ files: 0, rows: 0 });
    expect(await store.sweep.run(trusting)).toMatchObject({ files: 1, rows: 2, failed: 0 });
    expect(rowsOf(`session\t${id}`)).toEqual([]);
    expectNothingLeft(engines);
    expect(await textOf(store, "b", "k")).toBe("abc");
  });

  it("are removed with all other pieces if the version was deleted", async () => {
    await complete();
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    await leave(id);
    await store.uploads.abort(id);
    await store.artifacts.delete("b", "k");
    now += 8 * dayMs;
    expect(await store.sweep.run(trusting)).toMatchObject({ files: 2, rows: 6, failed: 0 });
    expect(engines.content.files.size).toBe(0);
  });

  it("are removed right after the upload's expiry if the grace period is 0", async () => {
    await complete();
    expect(await store.sweep.run({ graceMs: 0, ...trusting })).toMatchObject({ files: 0, rows: 0 });
    now += 7 * dayMs;
    expect(await store.sweep.run({ graceMs: 0, ...trusting })).toMatchObject({ files: 1, rows: 2 });
    expectNothingLeft(engines);
  });

  it("keep the row of the upload if they cannot be removed", async () => {
    const id = await complete();
    now += 8 * dayMs;
    const remove = () => Promise.reject(new ArtifactError("internal", "EIO"));
    const failing = on({ ...engines, content: { ...engines.content, remove } });
    expect(await failing.sweep.run(trusting)).toMatchObject({ files: 0, rows: 0, failed: 1 });
    expect(rowsOf(`session\t${id}`)).toHaveLength(1);
    expect(await store.sweep.run(trusting)).toMatchObject({ files: 1, rows: 2 });
    expectNothingLeft(engines);
  });

  it("stay while the upload is open, like the pieces that its row names", async () => {
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    await leave(id);
    now += 6 * dayMs;
    expect(await store.sweep.run(trusting)).toMatchObject({ files: 0 });
    expect(engines.content.files.size).toBe(2);
    expect(await store.uploads.append(id, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
    await store.uploads.complete(id);
    expect(await textOf(store, "b", "k")).toBe("abcdef");
    expectSound(engines);
  });

  it("are found by one listing of each shard, however many uploads have ended", async () => {
    for (let n = 0; n < 40; n += 1) {
      const { id } = await store.uploads.create({ bucket: "b", key: `k${n}`, size: 3 });
      await store.uploads.append(id, 0, bytesOf("abc"));
    }
    now += 8 * dayMs;
    const listed: string[] = [];
    const listShard = (shard: string) => {
      listed.push(shard);
      return engines.content.listShard(shard);
    };
    expect(await on({ ...engines, content: { ...engines.content, listShard } }).sweep.run(trusting)).toMatchObject({
      rows: 80,
      failed: 0,
    });
    expect(new Set(listed).size).toBe(listed.length);
    expectNothingLeft(engines);
  });
});
