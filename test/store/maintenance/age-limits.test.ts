import { beforeEach, describe, expect, it, vi } from "vitest";
import { startAgeLimiter } from "../../../src/store/maintenance/age-limiter.js";
import { bucketLimitsMs } from "../../../src/store/model/limits.js";
import type { RowChange } from "../../../src/store/ports/metadata-store.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const hour = 60 * 60;
const day = 24 * hour;
const start = 1_800_000_000;
/** The right time, in unix seconds. */
let time: number;
let engines: MemoryEngines;

beforeEach(() => {
  time = start;
  engines = createMemoryEngines({ now: () => time * 1000 });
});

/** Starts a process whose wall clock is wrong by `off` seconds. */
function startProcess(off = 0, options: Partial<StoreOptions> = {}): Store {
  const now = () => (time + off) * 1000;
  return storeOn(engines, { now, monotonicMs: () => (time - start) * 1000, ...options });
}

/** Starts a process whose monotonic clock begins now. */
function startShort(off = 0): Store {
  const began = time;
  return startProcess(off, { monotonicMs: () => (time - began) * 1000 });
}

/** Starts a process and runs it until its clock is trusted. */
async function runForAnHour(options?: Partial<StoreOptions>): Promise<Store> {
  const process = startProcess(0, options);
  time += hour;
  await process.sweep.run();
  return process;
}

/** Runs `meanwhile` right before the first change that deletes an artifact. */
function interrupted(meanwhile: () => Promise<unknown>): Pick<StoreOptions, "metadata"> {
  let isFirst = true;
  const change: typeof engines.metadata.change = async (rows, pieces) => {
    const isDeletion = ({ key, next }: RowChange): boolean => key.startsWith("artifact\t") && next === undefined;
    if (isFirst && rows.some(isDeletion)) {
      isFirst = false;
      await meanwhile();
    }
    return engines.metadata.change(rows, pieces);
  };
  return { metadata: { ...engines.metadata, change } };
}

const keysIn = (bucket: string): string[] =>
  [...engines.metadata.rows.keys()]
    .filter((key) => key.startsWith(`artifact\t${bucket}\t`))
    .map((key) => key.slice(`artifact\t${bucket}\t`.length))
    .sort();

describe.each(pieceKinds)("AgeLimits with content $where", ({ pieceLimits }) => {
  it("deletes what is too old with all its versions, in this bucket alone, and never gives a number again", async () => {
    const store = await runForAnHour({ pieceLimits });
    await store.buckets.set("b", { max_age: day });
    await saveText(store, "b", "old", "one");
    await saveText(store, "b", "old", "two two");
    await saveText(store, "b", "renewed", "one");
    await saveText(store, "other", "old", "one");
    const { id } = await store.uploads.create({ bucket: "b", key: "upload" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    time += 1;
    await saveText(store, "b", "renewed", "two two");
    await saveText(store, "b", "young", "one");
    time += day - 2;
    expect(await store.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    time += 1;
    const before = await store.revisions.listing();
    expect(await store.ageLimits.run()).toEqual({ artifacts: 1, failed: 0 });
    expect(await store.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    expect(keysIn("b")).toEqual(["renewed", "young"]);
    expect(keysIn("other")).toEqual(["old"]);
    expect(await store.uploads.get(id)).toMatchObject({ offset: 3, status: "open" });
    await store.close();
    expect(await store.revisions.listing()).not.toBe(before);
    expectSound(engines);
    expectNothingLeft(engines);
    expect(await saveText(store, "b", "old", "again")).toMatchObject({ version: 3 });
  });

  it("leaves a key that was saved again at the last moment", async () => {
    const store = await runForAnHour({ pieceLimits });
    await store.buckets.set("b", { max_age: day });
    await saveText(store, "b", "k", "old");
    await saveText(store, "b", "k2", "old");
    time += day;
    const racing = startProcess(0, { pieceLimits, ...interrupted(() => saveText(store, "b", "k", "new")) });
    expect(await racing.ageLimits.run({ trustsClock: true })).toEqual({ artifacts: 1, failed: 0 });
    expect(await textOf(store, "b", "k")).toBe("new");
    expect(await textOf(store, "b", "k", 1)).toBe("old");
    expect(keysIn("b")).toEqual(["k"]);
  });

  it("looks at a key again after it was found", async () => {
    const store = await runForAnHour({ pieceLimits });
    await store.buckets.set("b", { max_age: day });
    await saveText(store, "b", "k", "old");
    time += day;
    const aged: typeof engines.metadata.aged = async (...values) => {
      const found = await engines.metadata.aged(...values);
      if (found.length > 0) await saveText(store, "b", "k", "new");
      return found;
    };
    const racing = startProcess(0, { pieceLimits, metadata: { ...engines.metadata, aged } });
    expect(await racing.ageLimits.run({ trustsClock: true })).toEqual({ artifacts: 0, failed: 0 });
    expect(await textOf(store, "b", "k")).toBe("new");
  });

  it("deletes nothing more once an operator has taken the limit away or raised it", async () => {
    for (const max_age of [null, 2 * day]) {
      const store = await runForAnHour({ pieceLimits });
      await store.buckets.set("b", { max_age: day });
      for (let n = 0; n < 300; n += 1) await saveText(store, "b", `k${n}`, "old");
      time += day;
      let left = 0;
      const set = async (): Promise<void> => {
        await store.buckets.set("b", { max_age });
        left = keysIn("b").length;
      };
      const racing = startProcess(0, { pieceLimits, ...interrupted(set) });
      await racing.ageLimits.run({ trustsClock: true });
      expect(left).toBeGreaterThan(290);
      expect(keysIn("b")).toHaveLength(left);
    }
  });
});

it("AgeLimits of several processes at once delete each artifact once", async () => {
  const stores = [await runForAnHour(), startProcess(), startProcess()];
  const [store] = stores;
  await store?.buckets.set("b", { max_age: 1 });
  for (let n = 0; n < 250; n += 1) await saveText(stores[0] as Store, "b", `k${n}`, `text ${n}`);
  time += 1;
  const reports = await Promise.all(stores.map(({ ageLimits }) => ageLimits.run({ trustsClock: true })));
  expect(reports.reduce((sum, { artifacts }) => sum + artifacts, 0)).toBe(250);
  expect(reports.every(({ failed }) => failed === 0)).toBe(true);
  expect(keysIn("b")).toEqual([]);
  expectSound(engines);
  expectNothingLeft(engines);
});

describe("a clock that may be wrong", () => {
  it("deletes nothing before it is trusted", async () => {
    const first = startProcess();
    await first.buckets.set("b", { max_age: day });
    await saveText(first, "b", "k", "text");
    const ahead = startProcess(30 * day);
    expect(await ahead.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    time += hour - 1;
    expect(await ahead.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    expect(keysIn("b")).toEqual(["k"]);
  });

  it("deletes nothing after it has jumped, also if that happens during the pass", async () => {
    let off = 0;
    const aged: typeof engines.metadata.aged = async (...values) => {
      const found = await engines.metadata.aged(...values);
      off = 30 * day;
      return found;
    };
    const jumping = { now: () => (time + off) * 1000, metadata: { ...engines.metadata, aged } };
    const store = await runForAnHour(jumping);
    await store.buckets.set("b", { max_age: 60 });
    await saveText(store, "b", "k", "text");
    time += 60;
    expect(await store.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    expect(await store.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    off = 0;
    time += hour;
    expect(keysIn("b")).toEqual(["k"]);
  });

  it("makes no version look old that it saves into such a bucket while it is behind", async () => {
    const first = await runForAnHour();
    await first.buckets.set("b", { max_age: day });
    const behind = startProcess(-30 * day);
    await saveText(behind, "b", "saved", "text");
    await behind.artifacts.saveMany("b", [
      { bucket: "b", key: "many", bytes: bytesOf("x"), defaultMimeType: "text/plain" },
    ]);
    await saveText(behind, "other", "k", "text");
    await behind.artifacts.copy({ bucket: "other", key: "k", to_bucket: "b", to_key: "copied" });
    const { id } = await behind.uploads.create({ bucket: "b", key: "uploaded" });
    await behind.uploads.append(id, 0, bytesOf("abc"));
    await behind.uploads.complete(id);
    expect(await first.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    expect(keysIn("b")).toEqual(["copied", "many", "saved", "uploaded"]);
    time += day;
    expect(await first.ageLimits.run()).toEqual({ artifacts: 4, failed: 0 });
  });

  it("deletes at once after another process with a trusted clock was here within the last day", async () => {
    const first = await runForAnHour();
    await first.buckets.set("b", { max_age: 60 });
    await saveText(first, "b", "k", "text");
    await first.close();
    time += hour;
    expect(await startProcess().ageLimits.run()).toEqual({ artifacts: 1, failed: 0 });
  });
});

describe("a store in which no clock has proved right yet", () => {
  it("loses what one process has seen for the whole time, by any clock that is not behind", async () => {
    for (const off of [0, 30 * day]) {
      const store = startProcess(off);
      await store.buckets.set("b", { max_age: 60 });
      await saveText(startProcess(), "b", `k${off}`, "text");
      expect(await store.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
      time += 30;
      await saveText(startProcess(), "b", `young${off}`, "text");
      expect(await store.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
      time += 30;
      expect(await store.ageLimits.run()).toEqual({ artifacts: 1, failed: 0 });
      expect(keysIn("b")).toEqual([`young${off}`]);
      time += 30;
      expect(await store.ageLimits.run()).toEqual({ artifacts: 1, failed: 0 });
    }
  });

  it("keeps an artifact that has a new version since it was seen, also if that was saved at the last moment", async () => {
    let saves = false;
    const aged: typeof engines.metadata.aged = async (...values) => {
      const found = await engines.metadata.aged(...values);
      if (saves && found.length > 0) await saveText(startProcess(), "b", "late", "new");
      return found;
    };
    const ahead = startProcess(30 * day, { metadata: { ...engines.metadata, aged } });
    await ahead.buckets.set("b", { max_age: 60 });
    for (const key of ["early", "late", "same"]) await saveText(startProcess(), "b", key, "old");
    await ahead.ageLimits.run();
    time += 60;
    await saveText(startProcess(), "b", "early", "new");
    saves = true;
    expect(await ahead.ageLimits.run()).toEqual({ artifacts: 1, failed: 0 });
    expect(keysIn("b")).toEqual(["early", "late"]);
  });

  it("trusts the clock of processes that live for minutes, after an hour together", async () => {
    const first = startProcess();
    await first.buckets.set("b", { max_age: day });
    await saveText(first, "b", "k", "text");
    time += day;
    for (let n = 0; n < 6; n += 1) {
      const short = startShort();
      expect(await short.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
      time += 10 * 60;
      expect(await short.ageLimits.run()).toEqual({ artifacts: n === 5 ? 1 : 0, failed: 0 });
      time += 6 * hour; // no process runs
    }
    await saveText(startShort(), "b", "k", "text");
    time += day - 7 * hour;
    expect(await startShort().ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
  });

  it("does not add up the time of clocks that disagree, and of those that have jumped", async () => {
    const first = startProcess();
    await first.buckets.set("b", { max_age: day });
    await saveText(first, "b", "k", "text");
    for (const off of [0, 30 * day, 0, 30 * day, 0, 30 * day]) {
      const short = startShort(off);
      for (const minutes of [0, 35]) {
        time += minutes * 60;
        expect(await short.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
      }
    }
    let off = 0;
    const began = time;
    const now = () => (time + off) * 1000;
    const jumping = storeOn(engines, { now, monotonicMs: () => (time - began) * 1000 });
    time += hour / 2;
    await jumping.ageLimits.run();
    off = 30 * day;
    await jumping.ageLimits.run();
    time += hour / 2;
    expect(await jumping.ageLimits.run()).toEqual({ artifacts: 0, failed: 0 });
    expect(keysIn("b")).toEqual(["k"]);
  });

  it("says once in the log what waits, and until when", async () => {
    const lines: unknown[][] = [];
    const store = startProcess(0, { log: (...line: unknown[]) => void lines.push(line) });
    await store.ageLimits.run();
    expect(lines).toEqual([]);
    await store.buckets.set("b", { max_age: day });
    for (let n = 0; n < 3; n += 1) await store.ageLimits.run();
    const until = new Date((start + hour) * 1000).toISOString();
    expect(lines).toEqual([["info", "age_limits_wait", { until, why: expect.any(String) }]]);
    expect(await store.ageLimits.waitMs()).toBe(hour * 1000);
    time += hour;
    expect(await store.ageLimits.waitMs()).toBe(0);
  });
});

it("AgeLimits delete nothing from a database that is older than its content", async () => {
  const store = await runForAnHour();
  await store.buckets.set("b", { max_age: 60 });
  await saveText(store, "b", "k", "text");
  time += hour;
  const old = new Map(engines.metadata.rows);
  await store.sweep.run(); // raises the generation beside the content
  for (const key of engines.metadata.rows.keys()) engines.metadata.rows.delete(key);
  for (const [key, text] of old) engines.metadata.rows.set(key, text);
  expect(await startProcess().ageLimits.run({ trustsClock: true })).toEqual({ artifacts: 0, failed: 0 });
  expect(keysIn("b")).toEqual(["k"]);
  await store.verify();
  expect(await startProcess().ageLimits.run({ trustsClock: true })).toEqual({ artifacts: 1, failed: 0 });
});

it("AgeLimits log an artifact that cannot be deleted, delete the others, and say who did it", async () => {
  const store = await runForAnHour();
  await store.buckets.set("b", { max_age: 60 });
  for (const key of ["a", "b", "c"]) await saveText(store, "b", key, "text");
  time += 60;
  const change: typeof engines.metadata.change = async (rows, pieces) => {
    if (rows.some(({ key }) => key === "artifact\tb\tb")) throw new Error("broken");
    return engines.metadata.change(rows, pieces);
  };
  const lines: unknown[][] = [];
  const options = { metadata: { ...engines.metadata, change }, log: (...line: unknown[]) => void lines.push(line) };
  expect(await startProcess(0, options).ageLimits.run({ trustsClock: true })).toEqual({ artifacts: 2, failed: 1 });
  expect(keysIn("b")).toEqual(["b"]);
  expect(lines).toContainEqual(["info", "expired", { bucket: "b", key: "a", version: 1, bytes: 4, by: "max-age" }]);
  expect(lines).toContainEqual(["warn", "sweep_failed", { what: "max_age b b", error: "Error: broken" }]);
});

it("AgeLimits stop after the current step when they are told to", async () => {
  const store = await runForAnHour();
  await store.buckets.set("b", { max_age: 60 });
  for (let n = 0; n < 50; n += 1) await saveText(store, "b", `k${n}`, "text");
  time += 60;
  const stopping = new AbortController();
  const racing = startProcess(
    0,
    interrupted(async () => stopping.abort()),
  );
  const { artifacts } = await racing.ageLimits.run({ trustsClock: true, signal: stopping.signal });
  expect(artifacts).toBeLessThanOrEqual(8);
  expect(keysIn("b")).toHaveLength(50 - artifacts);
});

describe("startAgeLimiter()", () => {
  it("looks about every half minute, logs what it did, and goes on after a failure until it is stopped", async () => {
    vi.useFakeTimers();
    try {
      const answers = [{ artifacts: 2, failed: 0 }, new Error("no disk"), { artifacts: 0, failed: 0 }];
      let runs = 0;
      const run = async () => {
        const answer = answers[runs % 3];
        runs += 1;
        if (answer === undefined || answer instanceof Error) throw answer;
        return answer;
      };
      const log = vi.fn();
      const limiter = startAgeLimiter({ run }, log);
      await vi.advanceTimersByTimeAsync(bucketLimitsMs);
      expect(runs).toBe(1);
      await vi.advanceTimersByTimeAsync(11 * bucketLimitsMs);
      expect(runs).toBeGreaterThanOrEqual(10);
      expect(log).toHaveBeenCalledWith("info", "too_old_deleted", { artifacts: 2, failed: 0 });
      expect(log).toHaveBeenCalledWith("warn", "age_limits_failed", { error: "Error: no disk" });
      await limiter.stop();
      const before = runs;
      await vi.advanceTimersByTimeAsync(10 * bucketLimitsMs);
      expect(runs).toBe(before);
    } finally {
      vi.useRealTimers();
    }
  });
});
