import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
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

const day = 24 * 60 * 60;
const now = 1_800_000_000;
const stranger = "f".repeat(32);
let engines: MemoryEngines;
let store: Store;

const on = (over: Pick<StoreOptions, "metadata" | "content">, options: Partial<StoreOptions> = {}): Store =>
  storeOn(over, { now: () => now * 1000, monotonicMs: () => now * 1000, pieceLimits: noRowPieces, ...options });
const faults = async (options = {}) => (await store.verify(options)).faults;

beforeEach(() => {
  engines = createMemoryEngines({ now: () => now * 1000 });
  store = on(engines);
});

function age(seconds: number): void {
  for (const file of engines.content.files.values()) file.written_at = now - seconds;
}

describe("files that no row names", () => {
  async function leaveFiles(): Promise<void> {
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    for (const session of [id, stranger]) {
      const writer = await engines.content.createPiece(session, 9);
      await writer.write(bytesOf("left"));
    }
  }

  it("are orphans after a day, which a repair sets aside, unless their upload exists", async () => {
    await leaveFiles();
    expect(await faults()).toEqual([]);
    age(day + 1);
    const found = await faults();
    expect(found).toMatchObject([{ kind: "orphan", next: "repair", repaired: false }]);
    expect(found[0]?.path).toMatch(new RegExp(`^content/f/${stranger}\\.9-\\w+$`));
    expect(await faults({ repair: true })).toMatchObject([{ kind: "orphan", repaired: true }]);
    expect(await faults()).toEqual([]);
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ offset: 3 }]);
    expect(engines.content.files.size).toBe(2);
    expect(await faults({ graceMs: 0 })).toEqual([]);
  });

  it("are no orphans if their upload has just ended, however old they are", async () => {
    await saveText(store, "b", "k", "abc");
    const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", size: 3 });
    // The newest version has the same content. The process dies before it removes the upload's own piece.
    const remove = () => Promise.reject(new Error("dead"));
    const dying = on({ ...engines, content: { ...engines.content, remove } });
    await dying.uploads.append(id, 0, bytesOf("abc"));
    age(8 * day);
    expect(engines.content.files.size).toBe(2);
    expect(await faults({ repair: true })).toEqual([]);
    expect(await store.sweep.run()).toMatchObject({ failed: 0 });
    expectNothingLeft(engines);
  });

  it("are no orphans if a freed row names them", async () => {
    await saveText(store, "b", "k", "abc");
    for (const key of engines.metadata.rows.keys()) if (key.startsWith("session\t")) engines.metadata.rows.delete(key);
    const remove = () => Promise.reject(new Error("dead"));
    await on({ ...engines, content: { ...engines.content, remove } }).artifacts.delete("b", "k");
    age(8 * day);
    expect(await faults({ repair: true })).toEqual([]);
    expect(engines.content.files.size).toBe(1);
  });

  it("stay where they are while a row cannot be read, as that row may name them", async () => {
    await saveText(store, "b", "k", "text");
    const [name = ""] = engines.content.files.keys();
    for (const key of engines.metadata.rows.keys()) if (key.startsWith("session\t")) engines.metadata.rows.delete(key);
    const row = engines.metadata.rows.get("artifact\tb\tk") ?? "";
    engines.metadata.rows.set("artifact\tb\tk", row.slice(0, -1));
    age(day + 1);
    const path = `content/${name.slice(0, 1)}/${name.replace("/", ".")}`;
    expect(await faults({ repair: true })).toMatchObject([
      { kind: "corrupt", row: "artifact\tb\tk", repaired: true },
      { kind: "orphan", path, next: "repair_rows_first", repaired: false },
    ]);
    expect(engines.content.files.has(name)).toBe(true);
    expect(await faults({ repair: true })).toMatchObject([{ kind: "orphan", path, next: "repair", repaired: true }]);
  });

  it("are orphans also outside the shards, and if their name is not that of a piece", async () => {
    const found = { bytes: 1, written_at: now - day - 1 };
    const content = {
      ...engines.content,
      shards: async () => ["a"],
      listShard: async () => [{ ...found, path: "content/a/strange", piece: undefined }],
      strayFiles: async () => [{ ...found, path: "notes.txt" }],
      has: async () => true,
    };
    const paths = (await on({ ...engines, content }).verify()).faults.map(({ kind, path }) => [kind, path]);
    expect(paths).toEqual([
      ["orphan", "content/a/strange"],
      ["orphan", "notes.txt"],
    ]);
  });
});

describe("pieces in rows that no row names", () => {
  it("are orphans, whose bytes a repair keeps", async () => {
    await saveText(storeOn(engines), "b", "k", "named");
    engines.metadata.pieceMap.set(`${stranger}/0-abc`, bytesOf("left"));
    const message = expect.stringContaining(`${stranger}/0-abc (4 bytes)`);
    expect(await faults()).toMatchObject([{ kind: "orphan", message, next: "repair", repaired: false }]);
    const kept: unknown[] = [];
    const keepAside = async (...values: unknown[]) => void kept.push(values);
    const repairing = on({ ...engines, content: { ...engines.content, keepAside } });
    expect((await repairing.verify({ repair: true })).faults).toMatchObject([{ message, repaired: true }]);
    expect(kept).toEqual([[`${stranger}.0-abc.piece`, new Uint8Array(bytesOf("left"))]]);
    expect(await faults()).toEqual([]);
    expect(await textOf(store, "b", "k")).toBe("named");
  });

  it("stay where they are while a row cannot be read", async () => {
    await saveText(storeOn(engines), "b", "k", "text");
    engines.metadata.rows.set("artifact\tb\tk", "{");
    expect(await faults({ repair: true })).toMatchObject([{ kind: "corrupt" }, { kind: "orphan", repaired: false }]);
    expect(engines.metadata.pieceMap.size).toBe(1);
  });
});

describe.each(pieceKinds)("verify() at any moment of other work, with bytes $where", ({ pieceLimits }) => {
  const kinds: Record<string, (worker: Store, id: string) => Promise<unknown>> = {
    "is published": ({ uploads }, id) => uploads.complete(id),
    "is published, and its row swept": async (worker, id) => {
      await worker.uploads.complete(id);
      const later = on(engines, { pieceLimits, now: () => (now + 9 * day) * 1000 });
      await later.sweep.run({ trustsClock: true });
    },
    "is aborted": ({ uploads }, id) => uploads.abort(id),
    "grows and is published": async ({ uploads }, id) => {
      await uploads.append(id, 6, bytesOf("ghi"));
      await uploads.complete(id);
    },
    "is published and deleted": async ({ uploads, artifacts }, id) => {
      await uploads.complete(id);
      await artifacts.delete("b", "k");
    },
    "is published and copied": async ({ uploads }, id) => {
      await uploads.complete(id);
      await uploads.create({ bucket: "b", key: "copy", size: 6, from: { bucket: "b", key: "k" } });
    },
  };

  it.each(Object.keys(kinds))("reports no orphan and removes nothing while an upload %s", async (kind) => {
    for (let moment = 1; ; moment += 1) {
      engines = createMemoryEngines({ now: () => now * 1000 });
      const worker = on(engines, { pieceLimits });
      const { id } = await worker.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain" });
      await worker.uploads.append(id, 0, bytesOf("abc"));
      await worker.uploads.append(id, 3, bytesOf("def"));
      age(9 * day);
      let calls = 0;
      const between = <Values extends unknown[], Result>(call: (...values: Values) => Promise<Result>) => {
        return async (...values: Values): Promise<Result> => {
          calls += 1;
          if (calls === moment) await kinds[kind]?.(worker, id);
          return call(...values);
        };
      };
      const { metadata, content } = engines;
      const checking = on({
        metadata: {
          ...metadata,
          range: between(metadata.range),
          listPieces: between(metadata.listPieces),
          get: between(metadata.get),
        },
        content: { ...content, listShard: between(content.listShard), openPiece: between(content.openPiece) },
      });
      const { faults: found } = await checking.verify({ repair: true, graceMs: 0 });
      expect(found, `moment ${moment}`).toEqual([]);
      expectSound(engines);
      if (calls < moment) break;
    }
  });
});
