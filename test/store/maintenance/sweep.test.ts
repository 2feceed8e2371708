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

  /** Runs `act` in a process that dies right before the given step. Returns whether it died. */
  async function dyingAt(step: number, act: (store: Store) => Promise<unknown>): Promise<boolean> {
    const dying = storeOn(mortal(engines, step, false), { now: () => now * 1000, keepVersions: 2, pieceLimits });
    return act(dying).then(
      () => false,
      (error) => error instanceof Dead || String(error).includes("dead"),
    );
  }

  /** Lets a process die in the middle of `act`, as early as `isThere` holds afterwards. */
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
    throw new Error("the state was never reached");
  }

  const sessionNow = (): { status: string; offset: number; size: number | null } | undefined => {
    const [key] = rowsOf("session\t");
    return key === undefined ? undefined : JSON.parse(engines.metadata.rows.get(key) ?? "");
  };
  const isFull = (): boolean => sessionNow()?.offset === 3 && sessionNow()?.status === "open";

  describe("an upload whose time is over", () => {
    it("loses its bytes, and shows that it has expired for another day", async () => {
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

    it("expires with its bytes also if it is a conflict", async () => {
      await saveText(store, "b", "k", "there");
      const id = await uploaded("abc", { if_version: 0, checksGuardAtEnd: true });
      await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
      now += 7 * day;
      expect(await store.sweep.run(trusting)).toMatchObject({ expired: 1 });
      expectNothingLeft(engines);
      expect(await textOf(store, "b", "k")).toBe("there");
    });

    it("stays readable for another day if it is complete", async () => {
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

    it("is left to its process for the grace period, then published, however much later", async () => {
      await filled();
      now += 60;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 0 });
      now += 30 * day;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 1, expired: 0 });
      expect(await textOf(store, "b", "k")).toBe("abc");
      expectNothingLeft(engines);
    });

    it("is published also by a sweep whose clock is not trusted, as that loses nothing", async () => {
      await filled();
      now += hour;
      expect(await store.sweep.run({ trustsClock: false })).toMatchObject({ settled: 1 });
      expect(await textOf(store, "b", "k")).toBe("abc");
    });

    it.each(["get", "complete", "a replay", "a replay of no bytes"])(
      "is published by %s, even after its time is over",
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

    it("becomes a conflict if its key got a version since, and can still be completed", async () => {
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

    it("completes with the newest version if that has the same content", async () => {
      const id = await filled();
      await saveText(store, "b", "k", "abc");
      now += hour;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 1 });
      expect(await store.uploads.get(id)).toMatchObject({ artifact: { version: 1, already_saved: true } });
      expectNothingLeft(engines);
    });

    it("is left alone if its size was not declared, as it may lack bytes", async () => {
      const id = await uploaded("abc");
      now += 6 * day;
      expect(await store.sweep.run(trusting)).toMatchObject({ settled: 0, expired: 0 });
      expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
    });
  });

  describe("an interrupted deletion", () => {
    it("is finished by a sweep, at any age", async () => {
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

  describe("a process that slept between writing bytes and changing the row", () => {
    it("writes the bytes again, and loses none", async () => {
      const id = await uploaded("abc");
      const metadata = { ...engines.metadata };
      let slept = 0;
      metadata.change = async (rows, pieces) => {
        if (rows.some(({ key }) => key.startsWith("session\t")) && slept++ === 0) {
          now += 2 * day; // the machine slept, and another process is the first to wake up
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

  it("a sweep reports a step that failed, and goes on", async () => {
    await uploaded("abc");
    const other = await uploaded("def");
    const [broken] = rowsOf("session\t").filter((key) => !key.includes(other));
    engines.metadata.rows.set(broken ?? "", "{");
    now += 7 * day;
    expect(await store.sweep.run(trusting)).toMatchObject({ expired: 1, failed: 1 });
    expect(await store.uploads.get(other)).toMatchObject({ status: "expired" });
  });

  it("a sweep ends after its current step when it is aborted", async () => {
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
  it("reads the rows of all pages", async () => {
    let now = 1_000_000_000;
    const store = storeOn(createMemoryEngines(), { now: () => now, monotonicMs: () => now });
    for (let n = 0; n < 250; n += 1) await store.uploads.create({ bucket: "b", key: `k${n}` });
    now += 7 * day * 1000;
    expect(await store.sweep.run(trusting)).toMatchObject({ expired: 250 });
    now += day * 1000;
    expect(await store.sweep.run(trusting)).toMatchObject({ rows: 500 });
  });
});

describe("an interrupted save", () => {
  let now = 1_000_000_000;
  const clocks = { now: () => now, monotonicMs: () => now, pieceLimits: noRowPieces };

  const tookTooLong = {
    code: "internal",
    message: expect.stringContaining("Nothing was saved"),
    next: "call_again",
  };

  /** A store that sleeps for two days before its first change of a row for which `isRow` holds. Another process sweeps. */
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

  it("is undone by a sweep whose clock is trusted, as its caller had no answer", async () => {
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

  it("asks to be repeated if its process slept right before the publication", async () => {
    const { engines, store, sleeper } = await sleepyStore((keys) => keys.includes("artifact\t"));
    await expect(saveText(sleeper, "b", "k", "abc")).rejects.toMatchObject(tookTooLong);
    expectSound(engines);
    expectNothingLeft(engines);
    await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
    expect(await saveText(sleeper, "b", "k", "abc")).toMatchObject({ version: 1 });
  });

  it("asks to be repeated if its process slept before its bytes counted", async () => {
    let sessions = 0;
    const { engines, sleeper } = await sleepyStore((keys) => {
      if (keys.startsWith("session\t")) sessions += 1;
      return sessions === 2;
    });
    await expect(saveText(sleeper, "b", "k", "abc")).rejects.toMatchObject(tookTooLong);
    expectNothingLeft(engines);
    expect(await saveText(sleeper, "b", "k", "abc")).toMatchObject({ version: 1 });
  });
});
