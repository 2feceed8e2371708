import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectSound } from "../../support/invariants.js";
import { createPipe } from "../../support/sources.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, storeOn, textOf } from "../../support/stores.js";

const hour = 60 * 60 * 1000;
const day = 24 * hour;
const start = 1_800_000_000_000;
/** The right time, in milliseconds since 1970. A process need not know it. */
let time = start;
let engines: MemoryEngines;

/** Starts a process whose wall clock is wrong by `offMs`. */
function startProcess(over: Pick<StoreOptions, "metadata" | "content"> = engines, offMs = 0) {
  const clock = { offMs };
  const store = storeOn(over, { now: () => time + clock.offMs, monotonicMs: () => time - start });
  return { ...store, clock, store };
}

beforeEach(() => {
  time = start;
  engines = createMemoryEngines({ now: () => time });
});

async function upload({ uploads }: Pick<Store, "uploads">, key: string): Promise<string> {
  const { id } = await uploads.create({ bucket: "b", key });
  await uploads.append(id, 0, bytesOf("abc"));
  return id;
}
const expiryOf = (id: string): number =>
  JSON.parse(engines.metadata.rows.get(`session\t${id}`) ?? "").expires_at * 1000;

/** Starts a process and runs it until its clock is trusted. */
async function runForAnHour(): Promise<ReturnType<typeof startProcess>> {
  const process = startProcess();
  time += hour;
  await process.sweep.run();
  return process;
}

describe("a clock that is wrong for an hour", () => {
  const wrongs = [
    ["30 days ahead", 30 * day],
    ["30 days behind", -30 * day],
    ["10 years ahead", 3_650 * day],
    ["half a day ahead", day / 2],
  ] as const;
  /** A process that starts cannot notice that its clock is wrong if the error is less than a day. */
  const noticeable = wrongs.filter(([, offMs]) => Math.abs(offMs) > day);

  it.each(noticeable)("destroys nothing when it is %s from the start of a process", async (_, offMs) => {
    const first = await runForAnHour();
    const [old, done] = [await upload(first, "old"), await upload(first, "done")];
    await first.uploads.complete(done);
    await first.store.close();

    const wrong = startProcess(engines, offMs);
    const made = await upload(wrong, "made");
    const extended = await upload(first, "extended");
    const before = expiryOf(extended);
    await wrong.uploads.append(extended, 3, bytesOf("def")).catch(() => undefined); // by that clock, the session may have expired
    expect(expiryOf(extended)).toBeGreaterThanOrEqual(before);
    for (let minutes = 0; minutes < 60; minutes += 10) {
      expect(await wrong.sweep.run(), `${minutes} minutes`).toMatchObject({ expired: 0, files: 0, failed: 0 });
      time += hour / 6;
    }
    wrong.clock.offMs = 0; // the clock is right from here on
    expect(await wrong.sweep.run()).toMatchObject({ expired: 0, rows: 0 });

    const right = startProcess();
    for (const process of [wrong, right]) {
      for (const id of [old, made, extended]) {
        expect(await process.uploads.get(id)).toMatchObject({ status: "open" });
        expect(expiryOf(id)).toBeGreaterThan(time + 6 * day);
      }
      expect(await process.uploads.get(done)).toMatchObject({ status: "complete" });
    }
    time += 2 * hour;
    for (const process of [wrong, right]) expect(await process.sweep.run()).toMatchObject({ expired: 0, rows: 0 });
    expectSound(engines);
    expect(await textOf(right.store, "b", "done")).toBe("abc");
  });

  it.each(wrongs)("destroys nothing when it jumps to %s while a process runs", async (_, offMs) => {
    const process = await runForAnHour();
    const old = await upload(process, "old");
    process.clock.offMs = offMs;
    const made = await upload(process, "made");
    for (let minutes = 0; minutes < 60; minutes += 10) {
      expect(await process.sweep.run()).toMatchObject({ expired: 0, rows: 0, failed: 0 });
      time += hour / 6;
    }
    process.clock.offMs = 0;
    for (let minutes = 0; minutes < 180; minutes += 10) {
      expect(await process.sweep.run()).toMatchObject({ expired: 0, rows: 0 });
      time += hour / 6;
    }
    for (const id of [old, made])
      expect(await process.uploads.append(id, 3, bytesOf("d"))).toMatchObject({ offset: 4 });
    expectSound(engines);
  });

  it("destroys nothing when it jumps ahead in the middle of a sweep", async () => {
    const first = await runForAnHour();
    const ids = [await upload(first, "one"), await upload(first, "two"), await upload(first, "three")];
    let isSweeping = false;
    const range: typeof engines.metadata.range = async (...values) => {
      const page = await engines.metadata.range(...values);
      if (isSweeping && values[0].startsWith("session\t")) process.clock.offMs = 30 * day;
      return page;
    };
    const process = startProcess({ ...engines, metadata: { ...engines.metadata, range } });
    time += 2 * hour;
    await process.sweep.run();
    isSweeping = true;
    expect(await process.sweep.run()).toMatchObject({ expired: 0 });
    for (const id of ids) expect(await first.uploads.get(id)).toMatchObject({ status: "open" });
  });
});

describe("the expiry of an upload", () => {
  it("waits for an hour in a process that starts more than a day after the last kept time", async () => {
    const first = await runForAnHour();
    const id = await upload(first, "k");
    time += 7 * day;
    expect(await first.uploads.get(id)).toMatchObject({ status: "expired", offset: 0 });
    const second = startProcess(); // more than a day after the kept time
    expect(await second.sweep.run()).toMatchObject({ expired: 0 });
    time += hour - 1000;
    expect(await second.sweep.run()).toMatchObject({ expired: 0 });
    time += 1000;
    expect(await second.sweep.run()).toMatchObject({ expired: 1 });
  });

  it("does not wait in a process that starts within a day after the last kept time", async () => {
    const first = await runForAnHour();
    const id = await upload(first, "k");
    time += 7 * day - 2 * hour;
    await first.sweep.run(); // keeps the time
    time += 2 * hour;
    const second = startProcess();
    expect(await second.sweep.run()).toMatchObject({ expired: 1 });
    expect(await second.uploads.get(id)).toMatchObject({ status: "expired" });
  });

  it("waits if the clock is behind the last kept time", async () => {
    const first = await runForAnHour();
    await upload(first, "k");
    time += 8 * day;
    await first.sweep.run({ trustsClock: false });
    const behind = startProcess(engines, -hour);
    expect(await behind.sweep.run()).toMatchObject({ expired: 0 });
  });

  it("waits in a store that has no kept time", async () => {
    const first = startProcess();
    await upload(first, "k");
    await first.sweep.run();
    time += 8 * day;
    expect(await startProcess().sweep.run()).toMatchObject({ expired: 0 });
    expect(engines.metadata.rows.has("clock")).toBe(false);
  });

  it("waits for an hour after each jump of the clock", async () => {
    const process = await runForAnHour();
    await upload(process, "k");
    time += 8 * day;
    process.clock.offMs = 61_000;
    expect(await process.sweep.run()).toMatchObject({ expired: 0 });
    time += hour / 2;
    process.clock.offMs = 0;
    expect(await process.sweep.run()).toMatchObject({ expired: 0 });
    time += hour - 1000;
    expect(await process.sweep.run()).toMatchObject({ expired: 0 });
    time += 1000;
    expect(await process.sweep.run()).toMatchObject({ expired: 1 });
  });

  it("is not set earlier by a right clock after a clock that was ahead", async () => {
    const first = await runForAnHour();
    const id = await upload(first, "k");
    const ahead = startProcess(engines, 2 * day);
    await ahead.uploads.append(id, 3, bytesOf("d"));
    const late = expiryOf(id);
    await first.uploads.append(id, 4, bytesOf("e"));
    expect(expiryOf(id)).toBe(late);
    expect(late).toBeGreaterThan(time + 8 * day);
  });

  it("is not set earlier by a chunk or a stream of a process whose clock is behind", async () => {
    const first = await runForAnHour();
    const id = await upload(first, "k");
    const before = expiryOf(id);
    const behind = startProcess(engines, -30 * day);
    await behind.uploads.append(id, 3, bytesOf("d"));
    expect(expiryOf(id)).toBeGreaterThanOrEqual(before);
    const pipe = createPipe();
    const result = behind.uploads.appendStream(id, pipe);
    await pipe.send(bytesOf("e"));
    pipe.end();
    expect(await result).toMatchObject({ offset: 5 });
    expect(expiryOf(id)).toBeGreaterThanOrEqual(before);
  });
});
