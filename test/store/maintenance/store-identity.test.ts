import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { Dead, type Step, stepwise } from "../../support/faults.js";
import { expectSound } from "../../support/invariants.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
  textOf,
} from "../../support/stores.js";

const now = 1_800_000_000_000;
const trusting = { trustsClock: true };
let engines: MemoryEngines;

beforeEach(() => {
  engines = createMemoryEngines({ now: () => now });
});

function startProcess(over: Pick<StoreOptions, "metadata" | "content"> = engines, ms = now): Store {
  return storeOn(over, { now: () => ms, monotonicMs: () => ms, pieceLimits: noRowPieces });
}
const storeIdOf = ({ metadata }: MemoryEngines): string => JSON.parse(metadata.rows.get("store") ?? "").id;
const generationOf = ({ metadata }: MemoryEngines): number => JSON.parse(metadata.rows.get("store") ?? "").generation;

/** Takes a backup of the database. Returns what restores it. */
function backUp(): () => void {
  const [rows, pieces] = [new Map(engines.metadata.rows), new Map(engines.metadata.pieceMap)];
  return () => {
    engines.metadata.rows.clear();
    for (const [key, text] of rows) engines.metadata.rows.set(key, text);
    engines.metadata.pieceMap.clear();
    for (const [name, bytes] of pieces) engines.metadata.pieceMap.set(name, bytes);
  };
}

describe("the id of a store", () => {
  it("is the same in the rows and beside the content when many processes create the store at once", async () => {
    await Promise.all(Array.from({ length: 5 }, (_, n) => saveText(startProcess(), "b", `k${n}`, "text")));
    expect(await engines.content.readMark()).toBe(`${storeIdOf(engines)} 0`);
    await startProcess().check();
  });

  it("is found when another process creates the store while this one reads", async () => {
    let hasBegun = false;
    const begin = async (): Promise<void> => {
      if (hasBegun) return;
      hasBegun = true;
      await saveText(startProcess(), "b", "k", "text");
    };
    for (const behind of ["row", "mark"]) {
      engines = createMemoryEngines({ now: () => now });
      hasBegun = false;
      const { metadata, content } = engines;
      const looking = startProcess({
        metadata: { ...metadata, get: async (key) => metadata.get(key).finally(() => behind === "row" && begin()) },
        content: { ...content, readMark: () => content.readMark().finally(() => behind === "mark" && begin()) },
      });
      expect(await saveText(looking, "b", "other", "text")).toMatchObject({ version: 1 });
    }
  });

  it("is not written by calls that only read", async () => {
    const { artifacts, uploads } = startProcess();
    expect((await artifacts.listBuckets({ limit: 9 })).data).toEqual([]);
    expect((await uploads.list({ all: true, limit: 9 })).data).toEqual([]);
    expect(engines.metadata.rows.size).toBe(0);
    expect(await engines.content.readMark()).toBeUndefined();
  });

  it("is completed if the first process died between the row and the mark", async () => {
    const writeMark = () => Promise.reject(new Dead("dead"));
    const dying = startProcess({ ...engines, content: { ...engines.content, writeMark } });
    await expect(saveText(dying, "b", "k", "text")).rejects.toThrow("dead");
    expect(await saveText(startProcess(), "b", "k", "text")).toMatchObject({ version: 1 });
    expect(await engines.content.readMark()).toBe(`${storeIdOf(engines)} 0`);
  });
});

describe("a store whose rows and content do not belong together", () => {
  const cases: Record<string, () => Promise<Pick<StoreOptions, "metadata" | "content">>> = {
    "two stores": async () => {
      const other = createMemoryEngines();
      await saveText(startProcess(other), "b", "k", "other");
      return { metadata: engines.metadata, content: other.content };
    },
    "a new database": async () => ({ metadata: createMemoryEngines().metadata, content: engines.content }),
    "a database that was replaced": async () => ({
      metadata: { ...engines.metadata, isInPlace: async () => false },
      content: engines.content,
    }),
  };
  const replaced = { code: "store_replaced", next: "restart_server" };

  it.each(Object.keys(cases))("refuses writes and sweeps: %s", async (name) => {
    await saveText(startProcess(), "b", "k", "text");
    const { uploads } = startProcess();
    const { id } = await uploads.create({ bucket: "b", key: "upload", size: 6 });
    await uploads.append(id, 0, bytesOf("abc"));
    const wrong = (await cases[name]?.()) ?? engines;
    const { metadata, content } = wrong as MemoryEngines;
    const rows = new Map(metadata.rows);
    const files = [...content.files.keys()];
    const mark = await content.readMark();
    const store = startProcess(wrong, now + 30 * 24 * 60 * 60 * 1000);
    const writes = [
      () => saveText(store, "b", "k", "more"),
      () => store.uploads.create({ bucket: "b", key: "k" }),
      () => store.sweep.run({ graceMs: 0, ...trusting }),
      () => store.check(),
      () => store.verify({ repair: true, graceMs: 0 }),
    ];
    for (const write of writes) await expect(write()).rejects.toMatchObject(replaced);
    if (metadata.rows.has("artifact\tb\tk")) {
      await expect(store.artifacts.delete("b", "k")).rejects.toMatchObject(replaced);
    }
    await store.close();
    expect(metadata.rows).toEqual(rows);
    expect([...content.files.keys()]).toEqual(files);
    expect(await content.readMark()).toBe(mark);
  });

  it("is checked again at each call, and works when they belong together again", async () => {
    await saveText(startProcess(), "b", "k", "text");
    let isInPlace = false;
    const metadata = { ...engines.metadata, isInPlace: async () => isInPlace };
    const store = startProcess({ ...engines, metadata });
    await expect(saveText(store, "b", "k", "more")).rejects.toMatchObject(replaced);
    isInPlace = true;
    expect(await saveText(store, "b", "k", "more")).toMatchObject({ version: 2 });
    isInPlace = false;
    await expect(store.check()).rejects.toMatchObject(replaced);
    await expect(store.sweep.run()).rejects.toMatchObject(replaced);
  });
});

describe("the generation", () => {
  it("is raised by each sweep, in the rows and beside the content", async () => {
    const store = startProcess();
    await saveText(store, "b", "k", "text");
    for (const generation of [1, 2, 3]) {
      await store.sweep.run();
      expect(await engines.content.readMark()).toBe(`${storeIdOf(engines)} ${generation}`);
      expect(generationOf(engines)).toBe(generation);
    }
  });

  it("shows that an older database was restored: sweeps do nothing until the store was verified", async () => {
    const store = startProcess();
    await saveText(store, "b", "old", "text");
    const restore = backUp();
    await store.sweep.run();
    const { id } = await store.uploads.create({ bucket: "b", key: "new", size: 3 });
    await store.uploads.append(id, 0, bytesOf("new"));
    await store.sweep.run();
    restore();
    const later = startProcess(engines, now + 30 * 24 * 60 * 60 * 1000);
    const files = [...engines.content.files.keys()];
    const rows = new Map(engines.metadata.rows);
    for (let round = 0; round < 2; round += 1) {
      expect(await later.sweep.run({ graceMs: 0, ...trusting })).toEqual({
        expired: 0,
        settled: 0,
        rows: 0,
        files: 0,
        artifacts: 0,
        failed: 1,
      });
    }
    expect([...engines.content.files.keys()]).toEqual(files);
    expect(engines.metadata.rows).toEqual(rows);
    // The restored rows do not name the newer file. It is an orphan, and does not keep the store from being swept.
    expect((await later.verify()).faults).toMatchObject([{ kind: "orphan" }]);
    expect(await later.sweep.run(trusting)).toMatchObject({ rows: 1, failed: 0 });
    expect(await textOf(later, "b", "old")).toBe("text");
  });

  it("is accepted by a verification that finds missing content only if it repairs", async () => {
    const store = startProcess();
    await saveText(store, "b", "old", "text");
    const restore = backUp();
    await store.artifacts.delete("b", "old");
    await store.sweep.run();
    await store.sweep.run();
    restore();
    expect((await store.verify()).faults).toMatchObject([{ kind: "missing" }]);
    const before = generationOf(engines);
    await store.sweep.run(trusting);
    expect(generationOf(engines)).toBe(before);
    await store.verify({ repair: true });
    await store.sweep.run(trusting);
    expect(generationOf(engines)).toBeGreaterThan(2);
  });

  it.each(["before", "after"])(
    "does not count as older if a process died right %s the change that raises it",
    async (where) => {
      const store = startProcess();
      await saveText(store, "b", "k", "text");
      await store.sweep.run();
      let isDead = false;
      const step: Step = async (act, name, values) => {
        const isRaise = name === "change" && JSON.stringify(values).includes('"store"');
        if (isDead || (isRaise && where === "before")) {
          isDead = true;
          throw new Dead("dead");
        }
        const result = await act();
        isDead ||= isRaise;
        return result;
      };
      await expect(startProcess(stepwise(engines, step)).sweep.run()).rejects.toThrow("dead");
      expect(isDead).toBe(true);
      expect(await engines.content.readMark()).toBe(`${storeIdOf(engines)} 2 raising`);
      expect(generationOf(engines)).toBe(where === "before" ? 1 : 2);
      await store.sweep.run();
      expect(await engines.content.readMark()).toBe(`${storeIdOf(engines)} ${generationOf(engines)}`);
      expect(generationOf(engines)).toBe(where === "before" ? 2 : 3);
    },
  );

  it("is the same in rows and mark when two processes raise it at once, however slow one of them is", async () => {
    await saveText(startProcess(), "b", "k", "text");
    for (let moment = 1; ; moment += 1) {
      let steps = 0;
      const step: Step = async (act) => {
        steps += 1;
        if (steps === moment) for (let round = 0; round < 3; round += 1) await startProcess().sweep.run();
        return act();
      };
      expect(await startProcess(stepwise(engines, step)).sweep.run()).toMatchObject({ failed: 0 });
      expect(await engines.content.readMark(), `moment ${moment}`).toBe(
        `${storeIdOf(engines)} ${generationOf(engines)}`,
      );
      expectSound(engines);
      if (steps < moment) break;
    }
  });
});
