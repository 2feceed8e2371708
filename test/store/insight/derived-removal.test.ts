import { beforeEach, describe, expect, it } from "vitest";
import type { Analyses } from "../../../src/store/ports/analyses.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { createMemoryDerivedStore, type MemoryDerivedStore } from "../../support/memory-derived-store.js";
import { createMemoryEngines, type MemoryEngines, noRowPieces, saveText, storeOn } from "../../support/stores.js";

const hour = 60 * 60;
/** The time, in unix seconds. */
let time: number;
let engines: MemoryEngines;
let derived: MemoryDerivedStore;

beforeEach(() => {
  time = 1_800_000_000;
  engines = createMemoryEngines({ now: () => time * 1000 });
  derived = createMemoryDerivedStore();
});

/** Answers each description at once. */
const analyses = { run: async () => ({ format: "text" }), close: async () => undefined } as unknown as Analyses;

const open = (options: Partial<StoreOptions> = {}): Store => {
  const now = () => time * 1000;
  return storeOn(engines, { derived, analyses, now, monotonicMs: now, pieceLimits: noRowPieces, ...options });
};

/** Saves and describes a text, so that there is an entry for it. */
async function saveDescribed(store: Store, key: string, text: string): Promise<string> {
  const { sha256 } = await saveText(store, "b", key, text);
  await store.insight.describe({ bucket: "b", key });
  expect(derived.entries.has(sha256)).toBe(true);
  return sha256;
}

const digests = (): string[] => [...derived.entries.keys()];
const freedRows = (): string[] => [...engines.metadata.rows.keys()].filter((key) => key.startsWith("freed\t"));

describe("what was derived from content", () => {
  it("is removed with its version by a deletion, and others stay", async () => {
    const store = open();
    const first = await saveDescribed(store, "k", "one");
    const second = await saveDescribed(store, "k", "two");
    const other = await saveDescribed(store, "other", "three");
    await store.artifacts.delete("b", "k", { version: 1 });
    expect(digests()).toEqual([second, other]);
    expect(digests()).not.toContain(first);
    await store.artifacts.delete("b", "k");
    expect(digests()).toEqual([other]);
  });

  it("is removed with versions that are trimmed", async () => {
    const store = open({ keepVersions: 2 });
    await saveDescribed(store, "k", "one");
    const kept = [await saveDescribed(store, "k", "two"), await saveDescribed(store, "k", "three")];
    expect(digests()).toEqual(kept);
    const { id } = await store.uploads.create({ bucket: "b", key: "k", size: 4 });
    await store.uploads.append(id, 0, Buffer.from("four"));
    expect(digests()).toEqual(kept.slice(1));
  });

  it("is removed by the deletion of a prefix", async () => {
    const store = open();
    for (const key of ["p/1", "p/2"]) await saveDescribed(store, key, key);
    const other = await saveDescribed(store, "q", "q");
    const found = await store.artifacts.deleteUnder({ bucket: "b", prefix: "p/" });
    await store.artifacts.deleteUnder({ bucket: "b", prefix: "p/", confirm: (found as { confirm: string }).confirm });
    expect(digests()).toEqual([other]);
  });

  it("is removed with an expired key", async () => {
    const store = open();
    time += hour;
    await store.sweep.run();
    const { artifacts } = store;
    const bytes = Buffer.from("text");
    const { sha256 } = await artifacts.save({
      bucket: "b",
      key: "k",
      bytes,
      defaultMimeType: "text/plain",
      expires_in: hour,
    });
    await store.insight.describe({ bucket: "b", key: "k" });
    expect(digests()).toEqual([sha256]);
    for (let sweeps = 0; sweeps < 2; sweeps += 1) {
      time += hour;
      await store.sweep.run();
    }
    expect(digests()).toEqual([]);
  });

  it("is removed by a move, and made again at the new place", async () => {
    const store = open();
    await saveDescribed(store, "from", "text");
    await store.artifacts.copy({ bucket: "b", key: "from", to_bucket: "b", to_key: "to", move: true });
    expect(digests()).toEqual([]);
    const { description } = await store.insight.describe({ bucket: "b", key: "to" });
    expect(description.format).toBe("text");
  });

  it("stays when an upload ends, or its pieces are joined: it belongs to versions", async () => {
    const store = open();
    const sha256 = await saveDescribed(store, "k", "text");
    const { id } = await store.uploads.create({ bucket: "b", key: "other", size: 4 });
    await store.uploads.append(id, 0, Buffer.from("te"));
    await store.uploads.abort(id);
    expect(digests()).toEqual([sha256]);
  });

  it("is lost for another version with the same content, which derives it again", async () => {
    const store = open();
    await saveDescribed(store, "one", "same");
    await saveDescribed(store, "two", "same");
    await store.artifacts.delete("b", "one");
    expect(digests()).toEqual([]);
    const restarted = open();
    await restarted.insight.describe({ bucket: "b", key: "two" });
    expect(digests()).toHaveLength(1);
  });

  it("is removed by the sweep if the process died after the deletion", async () => {
    const remove = async () => Promise.reject(new Error("the process has died"));
    const dying = open({ content: { ...engines.content, remove } });
    const sha256 = await saveDescribed(dying, "k", "text");
    await dying.artifacts.delete("b", "k");
    expect(digests()).toEqual([sha256]);
    expect(freedRows()).toHaveLength(1);
    expect(JSON.parse(engines.metadata.rows.get(freedRows()[0] ?? "") ?? "")).toMatchObject({ sha256: [sha256] });
    const store = open();
    expect(await store.verify()).toMatchObject({ faults: [] });
    await store.sweep.run();
    expect(digests()).toEqual([]);
    expect(freedRows()).toEqual([]);
    await dying.close();
  });

  it("is not left behind by a description that ends after the deletion of its version", async () => {
    let deleted: Promise<unknown> | undefined;
    const late: Analyses = {
      ...analyses,
      async run() {
        deleted = store.artifacts.delete("b", "k");
        await deleted;
        return { format: "text" } as never;
      },
    };
    const store = open({ analyses: late });
    await saveText(store, "b", "k", "text");
    expect(await store.insight.describe({ bucket: "b", key: "k" })).toMatchObject({ description: { format: "text" } });
    expect(deleted).toBeDefined();
    expect(digests()).toEqual([]);
  });

  it("is removed by the sweep when nobody has used it for 30 days", async () => {
    const store = open();
    const [old, used] = [await saveDescribed(store, "old", "old"), await saveDescribed(store, "used", "used")];
    for (const entry of derived.entries.get(old)?.values() ?? []) entry.usedAt -= 31 * 24 * hour * 1000;
    await store.sweep.run();
    expect(derived.entries.get(old)?.size).toBe(0);
    expect(derived.entries.get(used)?.size).toBe(1);
  });

  it("counts in no quota", async () => {
    const store = open({ maxStoreBytes: 8 });
    await saveDescribed(store, "k", "1234");
    await saveDescribed(store, "k2", "5678");
    await expect(saveText(store, "b", "k3", "9")).rejects.toMatchObject({ details: { stored_bytes: 8 } });
  });

  it("is written neither by a read-only store nor for content in rows", async () => {
    await saveText(open(), "b", "k", "text");
    await open({ readOnly: true }).insight.describe({ bucket: "b", key: "k" });
    expect(digests()).toEqual([]);
    const inRows = open({ pieceLimits: { ...noRowPieces, maxRowPieceBytes: 4 } });
    await inRows.insight.describe({ bucket: "b", key: "k" });
    expect(digests()).toEqual([]);
    await open().insight.describe({ bucket: "b", key: "k" });
    expect(digests()).toHaveLength(1);
  });

  it("is a miss if the entry has another format", async () => {
    const store = open();
    const sha256 = await saveDescribed(store, "k", "text");
    const artifact = await store.artifacts.get("b", "k");
    for (const entry of ["", "{", "null", "[]", '{"format":0,"description":{"format":"png"}}']) {
      for (const name of derived.entries.get(sha256)?.keys() ?? []) await derived.put(sha256, name, Buffer.from(entry));
      expect(await open().insight.known(artifact)).toBeUndefined();
    }
    expect(await store.insight.known(artifact)).toEqual({ format: "text" });
  });
});
