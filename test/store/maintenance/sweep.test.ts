import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { Dead, mortal } from "../../support/faults.js";
import { expectNothingLeaked, expectSound } from "../../support/invariants.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const hour = 60 * 60;
const day = 24 * hour;
let now = 0;
let engines: MemoryEngines;
let store: Store;

function open(options: Partial<StoreOptions> = {}): Store {
  return storeOn(engines, { now: () => now * 1000, sessionTtlMs: 7 * day * 1000, keepVersions: 2, ...options });
}

beforeEach(() => {
  now = Math.floor(Date.now() / 1000);
  engines = createMemoryEngines();
  store = open();
});

const rowsOf = (prefix: string): string[] => [...engines.metadata.rows.keys()].filter((key) => key.startsWith(prefix));

async function uploaded(text: string, options = {}): Promise<string> {
  const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", ...options });
  await store.uploads.append(id, 0, bytesOf(text));
  return id;
}

/** A process that dies right before its step number `step` of `act`. */
async function dyingAt(step: number, act: (store: Store) => Promise<unknown>): Promise<boolean> {
  const dying = storeOn(mortal(engines, step, false), { now: () => now * 1000, keepVersions: 2 });
  return act(dying).then(
    () => false,
    (error) => error instanceof Dead || String(error).includes("dead"),
  );
}

/** Leaves `act` in the middle: right before the step that `isThere` waits for has been seen to happen. */
async function leaveBehind(isThere: () => boolean, act: (store: Store) => Promise<unknown>): Promise<void> {
  const stores = [engines.metadata.rows, engines.blobs.segments, engines.blobs.blobs] as Map<string, unknown>[];
  const before = stores.map((map) => new Map(map));
  for (let step = 1; step < 60; step += 1) {
    await dyingAt(step, act);
    if (isThere()) return;
    for (const [n, map] of stores.entries()) {
      map.clear();
      for (const [key, value] of before[n] ?? []) map.set(key, value);
    }
  }
  throw new Error("never came about");
}

describe("an upload past its time", () => {
  it("goes with its bytes, and says that it has expired for another day", async () => {
    const id = await uploaded("abc");
    now += 7 * day - 1;
    await store.sweep.run();
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
    now += 1;
    expect(await store.sweep.run()).toMatchObject({ expired: 1 });
    expect(engines.blobs.segments.size).toBe(0);
    await expect(store.uploads.append(id, 3, bytesOf("d"))).rejects.toMatchObject({ code: "session_expired" });
    now += day;
    expect(await store.sweep.run()).toMatchObject({ rows: 2 });
    await expect(store.uploads.get(id)).rejects.toMatchObject({ code: "session_not_found" });
    expect([...engines.metadata.rows.keys()]).toEqual([]);
  });

  it("goes where it is held too, with its sealed file", async () => {
    await saveText(store, "b", "k", "there");
    const id = await uploaded("abc", { if_version: 0 });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    now += 7 * day;
    await store.sweep.run();
    expectNothingLeaked(engines);
    expect(await textOf(store, "b", "k")).toBe("there");
  });

  it("stays readable once complete, until then", async () => {
    const id = await uploaded("abc");
    await store.uploads.complete(id);
    now += 7 * day;
    await store.sweep.run();
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
    now += day;
    await store.sweep.run();
    expect(rowsOf("session:")).toEqual([]);
    expect(rowsOf("upload:")).toEqual([]);
    expect(await textOf(store, "b", "k")).toBe("abc");
  });
});

describe("an upload that was left completing", () => {
  const isCompleting = (): boolean =>
    rowsOf("session:").some((key) => engines.metadata.rows.get(key)?.includes('"status":"completing"'));

  it("is left to its process for a while, then published", async () => {
    const id = await uploaded("abc");
    await leaveBehind(isCompleting, ({ uploads }) => uploads.complete(id));
    now += 60;
    expect(await store.sweep.run()).toMatchObject({ settled: 0 });
    now += hour;
    expect(await store.sweep.run()).toMatchObject({ settled: 1 });
    expect(await textOf(store, "b", "k")).toBe("abc");
    expectNothingLeaked(engines);
  });

  it("is held where the key has got a version since, and can then be published by who asks for it", async () => {
    const id = await uploaded("abc");
    await leaveBehind(isCompleting, ({ uploads }) => uploads.complete(id));
    await saveText(store, "b", "k", "later");
    now += hour;
    expect(await store.sweep.run()).toMatchObject({ settled: 1 });
    expect(await textOf(store, "b", "k")).toBe("later");
    expect(await store.uploads.get(id)).toMatchObject({ status: "held" });
    await expect(store.uploads.append(id, 3, bytesOf("d"))).rejects.toThrow(/interrupted.*complete_upload_session/);
    expect(await store.uploads.complete(id)).toMatchObject({ status: "complete", artifact: { version: 2 } });
    expect(await textOf(store, "b", "k")).toBe("abc");
  });

  it("is finished where it had been published already, whatever came on top", async () => {
    const id = await uploaded("abc");
    await leaveBehind(
      () => rowsOf("artifact:").length > 0 && isCompleting(),
      ({ uploads }) => uploads.complete(id),
    );
    await saveText(store, "b", "k", "later");
    now += hour;
    await store.sweep.run();
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete", artifact: { version: 1 } });
    expect(await textOf(store, "b", "k")).toBe("later");
    expectNothingLeaked(engines);
  });

  it("is undone where it is a save, whose caller never heard of it", async () => {
    await leaveBehind(isCompleting, (dying) => saveText(dying, "b", "k", "never acknowledged"));
    now += hour;
    expect(await store.sweep.run()).toMatchObject({ settled: 1 });
    expect([...engines.metadata.rows.keys()]).toEqual([]);
    expectNothingLeaked(engines);
  });
});

describe("a deletion that was left in the middle", () => {
  it("is ended, at any age", async () => {
    await saveText(store, "b", "k", "one");
    await leaveBehind(
      () => rowsOf("artifact:").length === 0,
      ({ artifacts }) => artifacts.delete("b", "k"),
    );
    expect(engines.blobs.blobs.size).toBe(1);
    expect(await store.sweep.run()).toMatchObject({ rows: 1 });
    expect(engines.blobs.blobs.size).toBe(0);
    expect(rowsOf("freed:")).toEqual([]);
  });

  it("is forgotten after a day where it had not begun, and its version lives", async () => {
    await saveText(store, "b", "k", "one");
    await leaveBehind(
      () => rowsOf("freed:").length > 0,
      ({ artifacts }) => artifacts.delete("b", "k"),
    );
    now += day - 1;
    await store.sweep.run();
    expect(rowsOf("freed:")).toHaveLength(1);
    now += 1;
    await store.sweep.run();
    expect(rowsOf("freed:")).toEqual([]);
    expect(await textOf(store, "b", "k")).toBe("one");
  });
});

describe("rows and files that nothing names", () => {
  it("an index row of no session goes", async () => {
    await engines.metadata.put("upload:b:k:00000000000000000000000000000000", "{}");
    await uploaded("abc");
    expect(await store.sweep.run()).toMatchObject({ rows: 1 });
    expect((await store.uploads.list({ limit: 9 })).data).toMatchObject([{ offset: 3 }]);
  });

  it("a session is listed that was being created while its index row was swept", async () => {
    const metadata = { ...engines.metadata };
    const { put } = metadata;
    let sweeps = 0;
    metadata.put = async (key, text) => {
      await put(key, text);
      if (key.startsWith("upload:") && sweeps++ === 0) await store.sweep.run({ graceMs: 0 });
    };
    const creating = storeOn({ metadata, blobs: engines.blobs });
    const { id } = await creating.uploads.create({ bucket: "b", key: "k" });
    expect((await store.uploads.list({ limit: 9 })).data).toMatchObject([{ id }]);
    expect(sweeps).toBe(2);
  });

  it("staged files go after a day, those that a session names stay", async () => {
    const id = await uploaded("abc");
    const writer = await engines.blobs.createSegment(id, 3);
    await writer.write(bytesOf("never counted"));
    const stray = await engines.blobs.createSegment("f".repeat(32), 0);
    await stray.write(bytesOf("of nobody"));
    now += day - 60;
    expect(await store.sweep.run()).toMatchObject({ files: 0 });
    now += 120;
    expect(await store.sweep.run()).toMatchObject({ files: 2 });
    expect(engines.blobs.segments.size).toBe(1);
    expect(await store.uploads.append(id, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
    await store.uploads.complete(id);
    expect(await textOf(store, "b", "k")).toBe("abcdef");
  });

  it("bytes of a process that slept between their file and their row are staged again, and not lost", async () => {
    const id = await uploaded("abc");
    const metadata = { ...engines.metadata };
    const { replace } = metadata;
    let slept = 0;
    metadata.replace = async (key, ...rest) => {
      if (key.startsWith("session:") && slept++ === 0) {
        now += 2 * day; // the lid was closed, and another process is the first to wake up
        await store.sweep.run();
      }
      return replace(key, ...rest);
    };
    const sleeper = storeOn({ metadata, blobs: engines.blobs }, { now: () => now * 1000 });
    expect(await sleeper.uploads.append(id, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
    expect(slept).toBe(2);
    expectSound(engines);
    await store.uploads.complete(id);
    expect(await textOf(store, "b", "k")).toBe("abcdef");
  });

  it.each(["session:", "artifact:"])("a save that slept right before its row %s is to be made again", async (row) => {
    const metadata = { ...engines.metadata };
    const { replace } = metadata;
    let slept = 0;
    metadata.replace = async (key, ...rest) => {
      if (key.startsWith(row) && slept++ === 0) {
        now += 2 * day;
        await store.sweep.run();
      }
      return replace(key, ...rest);
    };
    const sleeper = storeOn({ metadata, blobs: engines.blobs }, { now: () => now * 1000 });
    await expect(saveText(sleeper, "b", "k", "abc")).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("Nothing was saved: save it again"),
    });
    expectNothingLeaked(engines);
    expect([...engines.metadata.rows.keys()]).toEqual([]);
    expect(await saveText(sleeper, "b", "k", "abc")).toMatchObject({ version: 1 });
  });
});

describe("a sweep", () => {
  it("goes on where one step fails, and says so", async () => {
    await uploaded("abc");
    const other = await uploaded("def");
    const [broken] = rowsOf("session:").filter((key) => !key.includes(other));
    engines.metadata.rows.set(broken ?? "", "{");
    now += 7 * day;
    expect(await store.sweep.run()).toMatchObject({ expired: 1, failed: 2 });
    expect(await store.uploads.get(other)).toMatchObject({ status: "expired" });
  });

  it("ends behind its step when it is told to", async () => {
    const stopping = new AbortController();
    const ids = [await uploaded("abc"), await uploaded("def")];
    now += 7 * day;
    const metadata = { ...engines.metadata };
    const { replace } = metadata;
    metadata.replace = async (...values) => {
      stopping.abort();
      return replace(...values);
    };
    const swept = await storeOn({ metadata, blobs: engines.blobs }, { now: () => now * 1000 }).sweep.run({
      signal: stopping.signal,
    });
    expect(swept).toMatchObject({ expired: 1 });
    expect(ids).toHaveLength(2);
  });

  it("finds rows on every page", async () => {
    for (let n = 0; n < 250; n += 1) await store.uploads.create({ bucket: "b", key: `k${n}` });
    now += 7 * day;
    expect(await store.sweep.run()).toMatchObject({ expired: 250 });
    now += day;
    expect(await store.sweep.run()).toMatchObject({ rows: 500 });
  });
});
