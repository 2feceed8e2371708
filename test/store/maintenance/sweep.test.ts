import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { Dead, mortal, type Step, stepwise } from "../../support/faults.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
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

const hour = 60 * 60;
const day = 24 * hour;
const trusting = { trustsClock: true };

describe.each(pieceKinds)("with bytes $where", ({ pieceLimits }) => {
  let now = 0;
  let engines: MemoryEngines;
  let store: Store;

  function open(options: Partial<StoreOptions> = {}): Store {
    const clocks = { now: () => now * 1000, monotonicMs: () => now * 1000 };
    return storeOn(engines, { ...clocks, sessionTtlMs: 7 * day * 1000, keepVersions: 2, pieceLimits, ...options });
  }

  beforeEach(() => {
    now = Math.floor(Date.now() / 1000);
    engines = createMemoryEngines({ now: () => now * 1000 });
    store = open();
  });

  const rowsOf = (prefix: string): string[] =>
    [...engines.metadata.rows.keys()].filter((key) => key.startsWith(prefix));
  const piecesThere = (): number => engines.content.files.size + engines.metadata.pieceMap.size;

  async function uploaded(text: string, options = {}): Promise<string> {
    const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", ...options });
    await store.uploads.append(id, 0, bytesOf(text));
    return id;
  }

  /** A process that dies right before its step number `step` of `act`. */
  async function dyingAt(step: number, act: (store: Store) => Promise<unknown>): Promise<boolean> {
    const dying = storeOn(mortal(engines, step, false), { now: () => now * 1000, keepVersions: 2, pieceLimits });
    return act(dying).then(
      () => false,
      (error) => error instanceof Dead || String(error).includes("dead"),
    );
  }

  /** Leaves `act` in the middle: right before the step that `isThere` waits for has been seen to happen. */
  async function leaveBehind(isThere: () => boolean, act: (store: Store) => Promise<unknown>): Promise<void> {
    const { rows, pieceMap } = engines.metadata;
    const maps = [rows, pieceMap, engines.content.files] as Map<string, unknown>[];
    const before = maps.map((map) => new Map(map));
    for (let step = 1; step < 60; step += 1) {
      await dyingAt(step, act);
      if (isThere()) return;
      for (const [n, map] of maps.entries()) {
        map.clear();
        for (const [key, value] of before[n] ?? []) map.set(key, value);
      }
    }
    throw new Error("never came about");
  }

  const sessionNow = (): { status: string; offset: number; size: number | null } | undefined => {
    const [key] = rowsOf("session\t");
    return key === undefined ? undefined : JSON.parse(engines.metadata.rows.get(key) ?? "");
  };
  const isFull = (): boolean => sessionNow()?.offset === 3 && sessionNow()?.status === "open";

  describe("an upload past its time", () => {
    it("goes with its bytes, and says that it has expired for another day", async () => {
      const id = await uploaded("abc");
      now += 7 * day - 1;
      await store.sweep.run(trusting);
      expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
      now += 1;
      expect(await store.sweep.run(trusting)).toMatchObject({ expired: 1 });
      expect(piecesThere()).toBe(0);
      await expect(store.uploads.append(id, 3, bytesOf("d"))).rejects.toMatchObject({ code: "session_expired" });
      now += day - 1;
      expect(await store.sweep.run(trusting)).toMatchObject({ rows: 0 });
      now += 1;
      expect(await store.sweep.run(trusting)).toMatchObject({ rows: 2 });
      await expect(store.uploads.get(id)).rejects.toMatchObject({ code: "session_not_found" });
      expect([...engines.metadata.rows.keys()].sort()).toEqual(["clock", "store"]);
    });

    it("goes where it is a conflict too, with what it has kept", async () => {
      await saveText(store, "b", "k", "there");
      const id = await uploaded("abc", { if_version: 0 });
      await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
      now += 7 * day;
      expect(await store.sweep.run(trusting)).toMatchObject({ expired: 1 });
      expectNothingLeft(engines);
      expect(await textOf(store, "b", "k")).toBe("there");
    });

    it("stays readable once complete, until then", async () => {
      const id = await uploaded("abc");
      await store.uploads.complete(id);
      now += 7 * day;
      await store.sweep.run(trusting);
      expect(await store.uploads.get(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
      now += day;
      await store.sweep.run(trusting);
      expect(rowsOf("session\t")).toEqual([]);
      expect(rowsOf("upload\t")).toEqual([]);
      expect(await textOf(store, "b", "k")).toBe("abc");
    });
  });

  describe("a full upload that was left behind", () => {
    const filled = async (): Promise<string> => {
      const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", size: 3 });
      await leaveBehind(isFull, ({ uploads }) => uploads.append(id, 0, bytesOf("abc")));
      return id;
    };

    it("is left to its process for a while, then published, however long nobody came", async () => {
      await filled();
      now += 60;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 0 });
      now += 30 * day;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 1, expired: 0 });
      expect(await textOf(store, "b", "k")).toBe("abc");
      expectNothingLeft(engines);
    });

    it("is published by a sweep whose clock cannot be trusted, too: nothing is lost by it", async () => {
      await filled();
      now += hour;
      expect(await store.sweep.run({ trustsClock: false })).toMatchObject({ settled: 1 });
      expect(await textOf(store, "b", "k")).toBe("abc");
    });

    it.each(["get", "complete", "a replay", "a replay of no bytes"])(
      "is published by %s, also past its time",
      async (call) => {
        const id = await filled();
        now += 8 * day;
        const calls: Record<string, () => Promise<unknown>> = {
          get: () => store.uploads.get(id),
          complete: () => store.uploads.complete(id),
          "a replay": () => store.uploads.append(id, 1, bytesOf("bc")),
          "a replay of no bytes": () => store.uploads.append(id, 3, bytesOf("")),
        };
        expect(await calls[call]?.()).toMatchObject({ status: "complete", artifact: { version: 1 } });
        expect(await textOf(store, "b", "k")).toBe("abc");
      },
    );

    it("becomes a conflict where the key has got a version since, and can then be published by who asks", async () => {
      const id = await filled();
      await saveText(store, "b", "k", "later");
      now += hour;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 1, failed: 0 });
      expect(await textOf(store, "b", "k")).toBe("later");
      expect(await store.uploads.get(id)).toMatchObject({ status: "conflict", offset: 3 });
      await expect(store.uploads.append(id, 3, bytesOf("d"))).rejects.toMatchObject({ code: "size_exceeded" });
      expectSound(engines);
      expect(await store.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 2 } });
      expect(await textOf(store, "b", "k")).toBe("abc");
    });

    it("is what the newest version is already, and that answers it", async () => {
      const id = await filled();
      await saveText(store, "b", "k", "abc");
      now += hour;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 1 });
      expect(await store.uploads.get(id)).toMatchObject({ artifact: { version: 1, already_saved: true } });
      expectNothingLeft(engines);
    });

    it("is left alone where its size was not declared: nobody knows whether all of it is there", async () => {
      const id = await uploaded("abc");
      now += 6 * day;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 0, expired: 0 });
      expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
    });
  });

  describe("a deletion that was left in the middle", () => {
    it("is ended, at any age", async () => {
      await saveText(store, "b", "k", "one");
      await leaveBehind(
        () => rowsOf("artifact\t").length === 0,
        ({ artifacts }) => artifacts.delete("b", "k"),
      );
      const inFiles = engines.content.files.size;
      expect(engines.metadata.pieceMap.size).toBe(0);
      expect(await store.sweep.run()).toMatchObject({ rows: inFiles });
      expect(rowsOf("freed\t")).toEqual([]);
      expectNothingLeft(engines);
    });
  });

  describe("a process that slept between its bytes and its row", () => {
    it("stages them again, and nothing is lost", async () => {
      const id = await uploaded("abc");
      const metadata = { ...engines.metadata };
      let slept = 0;
      metadata.change = async (rows, pieces) => {
        if (rows.some(({ key }) => key.startsWith("session\t")) && slept++ === 0) {
          now += 2 * day; // the lid was closed, and another process is the first to wake up
          await store.sweep.run(trusting);
        }
        return engines.metadata.change(rows, pieces);
      };
      const sleeper = storeOn({ ...engines, metadata }, { now: () => now * 1000, pieceLimits });
      expect(await sleeper.uploads.append(id, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
      expectSound(engines);
      await store.uploads.complete(id);
      expect(await textOf(store, "b", "k")).toBe("abcdef");
    });
  });

  it("a sweep goes on where one step fails, and says so", async () => {
    await uploaded("abc");
    const other = await uploaded("def");
    const [broken] = rowsOf("session\t").filter((key) => !key.includes(other));
    engines.metadata.rows.set(broken ?? "", "{");
    now += 7 * day;
    expect(await store.sweep.run(trusting)).toMatchObject({ expired: 1, failed: 1 });
    expect(await store.uploads.get(other)).toMatchObject({ status: "expired" });
  });

  it("a sweep ends behind its step when it is told to", async () => {
    const stopping = new AbortController();
    for (const text of ["abc", "def"]) await uploaded(text);
    now += 7 * day;
    const metadata = { ...engines.metadata };
    metadata.change = async (rows, pieces) => {
      if (rows.some(({ key }) => key.startsWith("session\t"))) stopping.abort();
      return engines.metadata.change(rows, pieces);
    };
    const sweeping = storeOn({ ...engines, metadata }, { now: () => now * 1000, pieceLimits });
    expect(await sweeping.sweep.run({ signal: stopping.signal, ...trusting })).toMatchObject({ expired: 1 });
    expectNothingLeaked(engines);
  });
});

describe("a sweep", () => {
  it("finds rows on every page", async () => {
    let now = 1_000_000_000;
    const store = storeOn(createMemoryEngines(), { now: () => now, monotonicMs: () => now });
    for (let n = 0; n < 250; n += 1) await store.uploads.create({ bucket: "b", key: `k${n}` });
    now += 7 * day * 1000;
    expect(await store.sweep.run(trusting)).toMatchObject({ expired: 250 });
    now += day * 1000;
    expect(await store.sweep.run(trusting)).toMatchObject({ rows: 500 });
  });
});

describe("a save that was left behind", () => {
  let now = 1_000_000_000;
  const clocks = { now: () => now, monotonicMs: () => now, pieceLimits: noRowPieces };

  const givenUp = {
    code: "internal",
    message: expect.stringContaining("Nothing was saved"),
    next: "call_again",
  };

  /** A save that sleeps for two days right before its change of a row, while others sweep. */
  async function sleepyStore(isRow: (keys: string) => boolean) {
    const engines = createMemoryEngines({ now: () => now });
    const store = storeOn(engines, clocks);
    const metadata = { ...engines.metadata };
    let slept = 0;
    metadata.change = async (rows, pieces) => {
      if (isRow(rows.map(({ key }) => key).join()) && slept++ === 0) {
        now += 2 * day * 1000;
        await store.sweep.run(trusting);
      }
      return engines.metadata.change(rows, pieces);
    };
    return { engines, store, sleeper: storeOn({ ...engines, metadata }, clocks) };
  }

  it("is undone, as its caller never heard of it, and only by a clock that can be trusted", async () => {
    const engines = createMemoryEngines({ now: () => now });
    const store = storeOn(engines, clocks);
    let isDead = false;
    const step: Step = async (act, name, values) => {
      if (name === "change" && JSON.stringify(values).includes("artifact\\t")) isDead = true;
      if (isDead) throw new Dead("dead");
      return act();
    };
    const dying = storeOn(stepwise(engines, step), clocks);
    await expect(saveText(dying, "b", "k", "never acknowledged")).rejects.toThrow("dead");
    expect(engines.content.files.size).toBe(1);
    now += hour * 1000;
    expect(await store.sweep.run({ trustsClock: false })).toMatchObject({ settled: 0 });
    await store.sweep.run(trusting);
    expectNothingLeft(engines);
    now += 9 * day * 1000;
    await store.sweep.run(trusting);
    expect([...engines.metadata.rows.keys()].sort()).toEqual(["clock", "store"]);
  });

  it("is to be made again where its process slept right before it was published", async () => {
    const { engines, store, sleeper } = await sleepyStore((keys) => keys.includes("artifact\t"));
    await expect(saveText(sleeper, "b", "k", "abc")).rejects.toMatchObject(givenUp);
    expectSound(engines);
    expectNothingLeft(engines);
    await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
    expect(await saveText(sleeper, "b", "k", "abc")).toMatchObject({ version: 1 });
  });

  it("is to be made again where its process slept before its bytes counted", async () => {
    let sessions = 0;
    const { engines, sleeper } = await sleepyStore((keys) => {
      if (keys.startsWith("session\t")) sessions += 1;
      return sessions === 2;
    });
    await expect(saveText(sleeper, "b", "k", "abc")).rejects.toMatchObject(givenUp);
    expectNothingLeft(engines);
    expect(await saveText(sleeper, "b", "k", "abc")).toMatchObject({ version: 1 });
  });
});
