import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, storeOn, textOf } from "../../support/stores.js";

const hour = 60 * 60;
const day = 24 * hour;
const start = 1_800_000_000;
/** The right time, in unix seconds. A process need not know it. */
let time: number;
let engines: MemoryEngines;

beforeEach(() => {
  time = start;
  engines = createMemoryEngines({ now: () => time * 1000 });
});

/** Starts a process whose wall clock is wrong by `off` seconds. */
function startProcess(off = 0, options: Partial<StoreOptions> = {}) {
  const clock = { off };
  const now = () => (time + clock.off) * 1000;
  const store = storeOn(engines, { now, monotonicMs: () => (time - start) * 1000, ...options });
  return Object.assign(store, { clock });
}

const save = ({ artifacts }: Store, text: string, options: object = {}) =>
  artifacts.save({ bucket: "b", key: "k", bytes: bytesOf(text), defaultMimeType: "text/plain", ...options });
const rowsOf = (prefix: string): string[] => [...engines.metadata.rows.keys()].filter((key) => key.startsWith(prefix));

/** Starts a process and runs it until its clock is trusted. */
async function runForAnHour(options?: Partial<StoreOptions>) {
  const process = startProcess(0, options);
  time += hour;
  await process.sweep.run();
  return process;
}

describe.each(pieceKinds)("a sweep of expired keys with content $where", ({ pieceLimits }) => {
  it("frees a key that a sweep an hour before saw as expired too, with all its versions", async () => {
    const store = await runForAnHour({ pieceLimits });
    await save(store, "one");
    await save(store, "two two", { expires_in: hour });
    await save(store, "other", { key: "other" });
    time += hour - 1;
    expect(await store.sweep.run()).toMatchObject({ artifacts: 0 });
    expect(rowsOf("due\t")).toEqual([]);
    time += 1;
    expect(await store.sweep.run()).toMatchObject({ artifacts: 0 });
    expect(rowsOf("due\t")).toEqual(["due\tb\tk"]);
    time += hour - 1;
    expect(await store.sweep.run()).toMatchObject({ artifacts: 0, rows: 0 });
    time += 1;
    const before = await store.revisions.listing();
    expect(await store.sweep.run()).toMatchObject({ artifacts: 1, failed: 0 });
    await store.close();
    expect(await store.revisions.listing()).not.toBe(before);
    expect(rowsOf("artifact\t")).toEqual(["artifact\tb\tother"]);
    expect([...rowsOf("due\t"), ...rowsOf("freed\t")]).toEqual([]);
    expectSound(engines);
    expectNothingLeft(engines);
    expect(await save(store, "three")).toMatchObject({ version: 3 });
  });

  it("frees nothing that was saved, edited or deleted since", async () => {
    const store = await runForAnHour({ pieceLimits });
    for (const key of ["saved", "edited", "deleted"]) await save(store, "text", { key, expires_in: hour });
    time += hour;
    await store.sweep.run();
    expect(rowsOf("due\t")).toHaveLength(3);
    // For a clock that is behind, the keys have not expired.
    const behind = startProcess(-hour, { pieceLimits });
    await save(store, "new", { key: "saved" });
    await behind.artifacts.update({ bucket: "b", key: "edited", expires_in: hour });
    await behind.artifacts.delete("b", "deleted");
    time += hour;
    expect(await store.sweep.run()).toMatchObject({ artifacts: 0, failed: 0 });
    expect(await textOf(store, "b", "saved")).toBe("new");
    expect(await textOf(store, "b", "saved", 1)).toBe("text");
    expect(rowsOf("due\t")).toEqual(["due\tb\tedited"]); // it has expired again, and its hour begins again
    time += hour;
    expect(await store.sweep.run()).toMatchObject({ artifacts: 1 });
    expectSound(engines);
  });

  it("removes the pieces of a key that a process freed before it died", async () => {
    const store = await runForAnHour({ pieceLimits });
    await save(store, "text", { expires_in: hour });
    time += 2 * hour;
    await store.sweep.run();
    time += hour;
    const content = {
      ...engines.content,
      remove: async () => {
        throw new Error("dead");
      },
    };
    const dying = storeOn({ ...engines, content }, { now: () => time * 1000, pieceLimits });
    await dying.sweep.run({ trustsClock: true });
    expect(rowsOf("artifact\t")).toEqual([]);
    expect(await store.sweep.run()).toMatchObject({ failed: 0 });
    expectNothingLeft(engines);
  });
});

describe("a sweep of expired keys", () => {
  it("goes through any number of keys, and several may run at once", async () => {
    const store = await runForAnHour();
    const keys = Array.from({ length: 250 }, (_, n) => `k${n}`);
    for (const key of keys) await save(store, key, { key, expires_in: hour + keys.indexOf(key) });
    await save(store, "stays", { key: "stays", expires_in: day });
    const other = startProcess();
    time += 2 * hour;
    await Promise.all([store.sweep.run(), other.sweep.run()]);
    expect(rowsOf("due\t")).toHaveLength(250);
    time += hour;
    const reports = await Promise.all([store.sweep.run(), other.sweep.run()]);
    expect(reports.map(({ failed }) => failed)).toEqual([0, 0]);
    expect(reports.reduce((sum, { artifacts }) => sum + artifacts, 0)).toBe(250);
    expect(rowsOf("artifact\t")).toEqual(["artifact\tb\tstays"]);
  });

  it("ends after its current step if it is stopped", async () => {
    const store = await runForAnHour();
    for (const key of ["k1", "k2", "k3"]) await save(store, key, { key, expires_in: hour });
    time += 2 * hour;
    const stopping = new AbortController();
    const change: typeof engines.metadata.change = (rows, ...rest) => {
      if (rows.some(({ key }) => key.startsWith("due\t"))) stopping.abort();
      return engines.metadata.change(rows, ...rest);
    };
    const metadata = { ...engines.metadata, change };
    const stopped = storeOn({ ...engines, metadata }, { now: () => time * 1000 });
    await stopped.sweep.run({ trustsClock: true, signal: stopping.signal });
    expect(rowsOf("due\t")).toHaveLength(1);
  });

  it("goes on with the other keys if one fails", async () => {
    const store = await runForAnHour();
    for (const key of ["k1", "k2"]) await save(store, key, { key, expires_in: hour });
    time += 2 * hour;
    await store.sweep.run();
    engines.metadata.rows.set("due\tb\tk1", "{}");
    time += hour;
    expect(await store.sweep.run()).toMatchObject({ artifacts: 1, failed: 1 });
    const { faults } = await store.verify({ repair: true });
    expect(faults).toMatchObject([{ row: "due\tb\tk1", repaired: true }]);
    expect((await store.verify()).faults).toEqual([]);
  });
});

describe("a clock that is wrong for an hour frees no key", () => {
  const wrongs = [
    ["30 days ahead", 30 * day],
    ["10 years ahead", 3_650 * day],
    ["half a day ahead", day / 2],
  ] as const;

  it.each(wrongs)("when it jumps to %s while a process runs", async (_, off) => {
    const store = await runForAnHour();
    await save(store, "text", { expires_in: 12 * hour });
    store.clock.off = off;
    for (let minutes = 0; minutes < 60; minutes += 10) {
      expect(await store.sweep.run()).toMatchObject({ artifacts: 0, failed: 0 });
      time += hour / 6;
    }
    expect(rowsOf("due\t")).toEqual([]);
    store.clock.off = 0;
    for (let minutes = 0; minutes < 180; minutes += 10) {
      expect(await store.sweep.run()).toMatchObject({ artifacts: 0 });
      time += hour / 6;
    }
    expect(await textOf(store, "b", "k")).toBe("text");
  });

  it.each(wrongs)("when it is %s from the start of a process, even if that is not noticed", async (_, off) => {
    const store = await runForAnHour();
    await save(store, "text", { expires_in: 12 * hour });
    const wrong = startProcess(off);
    for (let minutes = 0; minutes < 60; minutes += 10) {
      expect(await wrong.sweep.run()).toMatchObject({ artifacts: 0, failed: 0 });
      time += hour / 6;
    }
    expect(await textOf(store, "b", "k")).toBe("text");
    // What it may have marked is forgotten by a clock that is right, and then frees nothing either.
    await store.sweep.run();
    expect(rowsOf("due\t")).toEqual([]);
  });

  it("when it jumps ahead in the middle of a sweep", async () => {
    const store = await runForAnHour();
    for (const key of ["k1", "k2", "k3"]) await save(store, key, { key, expires_in: 12 * hour });
    await save(store, "due", { key: "due", expires_in: hour });
    time += hour;
    await store.sweep.run();
    expect(rowsOf("due\t")).toEqual(["due\tb\tdue"]);
    const expired: typeof engines.metadata.expired = async (...values) => {
      sweeping.clock.off = 30 * day;
      return engines.metadata.expired(time + 30 * day, values[1]);
    };
    const sweeping = startProcess(0, { metadata: { ...engines.metadata, expired } });
    expect(await sweeping.sweep.run()).toMatchObject({ artifacts: 0, failed: 0 });
    expect(rowsOf("due\t")).toEqual(["due\tb\tdue"]);
  });

  it("nor does a clock that is right, before it is trusted", async () => {
    const store = await runForAnHour();
    await save(store, "text", { expires_in: hour });
    time += hour;
    await store.sweep.run();
    time += 3 * day;
    const second = startProcess(); // more than a day after the time that was kept last
    expect(await second.sweep.run()).toMatchObject({ artifacts: 0 });
    expect(rowsOf("artifact\t")).toHaveLength(1);
    time += hour;
    expect(await second.sweep.run()).toMatchObject({ artifacts: 1 });
  });

  it("and marks of a clock that is ahead do not keep a key that has expired", async () => {
    const store = await runForAnHour();
    await save(store, "text", { expires_in: hour });
    await startProcess(365 * day).sweep.run({ trustsClock: true });
    time += hour;
    await store.sweep.run();
    time += hour;
    expect(await store.sweep.run()).toMatchObject({ artifacts: 1 });
  });

  it("and a clock that is behind never sets an expiry earlier than a trusted clock does", async () => {
    await runForAnHour();
    const behind = startProcess(-30 * day);
    const { expires_at } = await save(behind, "text", { expires_in: hour });
    expect(expires_at).toBe(time + hour);
    const { id } = await behind.uploads.create({ bucket: "b", key: "u", expires_in: 2 * hour, size: 3 });
    expect((await behind.uploads.append(id, 0, bytesOf("abc"))).artifact?.expires_at).toBe(time + 2 * hour);
    const edited = await behind.artifacts.update({ bucket: "b", key: "u", expires_in: 5 * hour });
    expect(edited.expires_at).toBe(time + 5 * hour);
  });
});
