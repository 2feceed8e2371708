import { beforeEach, describe, expect, it } from "vitest";
import { bucketLimitsMs } from "../../../src/store/model/limits.js";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { sourceOf } from "../../support/sources.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

let engines: MemoryEngines;
/** The monotonic clock of every process. */
let ms: number;
beforeEach(() => {
  engines = createMemoryEngines();
  ms = 0;
});

const create = async ({ uploads }: Store, more = {}): Promise<string> =>
  (await uploads.create({ bucket: "b", key: "k", ...more })).id;
const full = { code: "storage_full", next: "free_bucket" };

describe.each(pieceKinds)("max_bytes of a bucket, with bytes $where", ({ pieceLimits }) => {
  const open = (options: Partial<StoreOptions> = {}): Store =>
    storeOn(engines, { pieceLimits, monotonicMs: () => ms, ...options });
  /** A process in which bucket `b` may hold 10 bytes. */
  async function limited(options: Partial<StoreOptions> = {}): Promise<Store> {
    const store = open(options);
    await store.buckets.set("b", { max_bytes: 10 });
    return store;
  }

  it("refuses new content that would go past it, in this bucket alone, and accepts it when there is room again", async () => {
    const store = await limited();
    await saveText(store, "b", "one", "12345");
    await saveText(store, "b", "one", "678");
    const details = { bucket: "b", bucket_bytes: 8, needed_bytes: 3, max_bucket_bytes: 10 };
    await expect(saveText(store, "b", "two", "abc")).rejects.toMatchObject({ ...full, details });
    await saveText(store, "other", "two", "a text of more than ten bytes");
    await saveText(store, "b", "two", "ab");
    expect(await saveText(store, "b", "two", "ab")).toMatchObject({ already_saved: true });
    expect(await textOf(store, "b", "one", 1)).toBe("12345");
    await store.artifacts.delete("b", "one", { version: 1 });
    await saveText(store, "b", "three", "abcde");
    await expect(saveText(store, "b", "four", "a")).rejects.toMatchObject(full);
    await saveText(store, "b", "empty", "");
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("says that content larger than the limit never fits", async () => {
    const refused = { code: "storage_full", next: "raise_bucket_limit" };
    await expect(saveText(await limited(), "b", "k", "12345678901")).rejects.toMatchObject(refused);
  });

  it("refuses a session whose declared size cannot fit, before a byte is sent", async () => {
    const store = await limited();
    await saveText(store, "b", "one", "12345");
    await expect(create(store, { size: 6 })).rejects.toMatchObject(full);
    const id = await create(store, { size: 5 });
    expect(await store.uploads.append(id, 0, bytesOf("67890"))).toMatchObject({ status: "complete" });
  });

  it("counts unfinished uploads, keeps acknowledged bytes, and publishes them", async () => {
    const store = await limited();
    const [id, other] = [await create(store), await create(store, { key: "other" })];
    await store.uploads.append(id, 0, bytesOf("123456"));
    await expect(store.uploads.append(other, 0, bytesOf("12345"))).rejects.toMatchObject(full);
    await expect(store.uploads.append(id, 6, bytesOf("78901"))).rejects.toMatchObject(full);
    expect(await store.uploads.append(id, 0, bytesOf("123456"))).toMatchObject({ offset: 6 });
    await store.uploads.append(other, 0, bytesOf("1234"));
    await store.uploads.complete(id);
    await store.uploads.abort(other);
    expect(await textOf(store, "b", "k")).toBe("123456");
    await saveText(store, "b", "third", "abcd");
    await expect(saveText(store, "b", "fourth", "a")).rejects.toMatchObject(full);
  });

  it("refuses a stream that grows past it, and keeps what came before", async () => {
    const store = await limited();
    const id = await create(store);
    const stream = store.uploads.appendStream(id, sourceOf(bytesOf("12345"), bytesOf("6789"), bytesOf("abc")));
    await expect(stream).rejects.toMatchObject(full);
    expect(await store.uploads.get(id)).toMatchObject({ offset: 9, status: "open" });
    expect(await store.uploads.complete(id)).toMatchObject({ status: "complete" });
    expect(await textOf(store, "b", "k")).toBe("123456789");
  });

  it("publishes an upload that got its bytes before the limit was lowered, also one that another process finishes", async () => {
    const store = open();
    const [id, lost] = [await create(store), await create(store, { key: "lost", size: 20 })];
    await store.uploads.append(id, 0, bytesOf("12345678901234567890"));
    await store.uploads.append(lost, 0, bytesOf("1234567890123456789"));
    await store.buckets.set("b", { max_bytes: 10 });
    await expect(store.uploads.append(lost, 19, bytesOf("0"))).rejects.toMatchObject(full);
    expect(await store.uploads.complete(id)).toMatchObject({ status: "complete" });
    expect(await open().uploads.complete(lost, { size: 19 })).toMatchObject({ status: "complete" });
    expect(await textOf(store, "b", "lost")).toBe("1234567890123456789");
  });

  it("holds for copies and moves into the bucket, and not for moves in it or out of it", async () => {
    const store = await limited();
    await saveText(store, "a", "k", "123456");
    await saveText(store, "b", "k", "1234567");
    const { artifacts } = store;
    const copy = { bucket: "a", key: "k", to_bucket: "b", to_key: "new" };
    await expect(artifacts.copy(copy)).rejects.toMatchObject(full);
    await expect(artifacts.copy({ ...copy, move: true })).rejects.toMatchObject(full);
    expect(await textOf(store, "a", "k")).toBe("123456");
    await artifacts.copy({ bucket: "b", key: "k", to_key: "moved", move: true });
    await artifacts.copy({ bucket: "b", key: "moved", to_bucket: "c", move: true });
    await artifacts.copy({ ...copy, move: true });
    await expect(saveText(store, "b", "more", "12345")).rejects.toMatchObject(full);
    await saveText(store, "b", "more", "1234");
    await expect(artifacts.copy({ bucket: "c", key: "moved", to_bucket: "b" })).rejects.toMatchObject(full);
    await expect(create(store, { from: { bucket: "b", key: "new" }, key: "new" })).rejects.toMatchObject(full);
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("is not exceeded by many calls at once, and has room again for what failed or was the same", async () => {
    const store = await limited();
    const saves = Array.from({ length: 8 }, (_, n) => saveText(store, "b", `k${n}`, `12${n}`));
    const results = await Promise.allSettled(saves);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    for (let n = 0; n < 3; n += 1) await store.artifacts.delete("b", `k${n}`);
    const id = await create(store, { mime_type: "text/plain", size: 5 });
    await saveText(store, "b", "k", "12345");
    await store.uploads.append(id, 0, bytesOf("12345"));
    await saveText(store, "b", "other", "abcde");
  });

  it("has room at once after a save has removed an old version", async () => {
    const store = await limited({ keepVersions: 1 });
    for (let n = 0; n < 20; n += 1) await saveText(store, "b", "k", `12${n % 10}`);
  });

  it("counts what other processes add and delete, before a call is refused", async () => {
    const store = await limited();
    await saveText(store, "b", "one", "12345");
    await saveText(open(), "b", "two", "12345");
    const other = open();
    await expect(saveText(other, "b", "three", "1")).rejects.toMatchObject(full);
    await store.artifacts.delete("b", "one");
    await saveText(other, "b", "three", "12345");
  });

  it("is obeyed within a minute by a process that did not set it, and no longer once it is raised or removed", async () => {
    const [operator, server] = [open(), open()];
    await saveText(server, "b", "one", "123456");
    await operator.buckets.set("b", { max_bytes: 5 });
    const isRefused = async (key: string): Promise<void> =>
      expect(saveText(server, "b", key, "1")).rejects.toMatchObject({ code: "storage_full" });
    ms += bucketLimitsMs;
    await isRefused("two");
    await operator.buckets.set("b", { max_bytes: 7 });
    await isRefused("two");
    ms += bucketLimitsMs;
    await saveText(server, "b", "two", "1");
    await isRefused("three");
    await operator.buckets.set("b", { max_bytes: null });
    ms += bucketLimitsMs;
    await saveText(server, "b", "three", "1");
  });
});

it("a save fails if the limits of buckets cannot be read, and the next one reads them again", async () => {
  await storeOn(engines).buckets.set("b", { max_bytes: 10 });
  const range: typeof engines.metadata.range = async () => {
    metadata.range = engines.metadata.range;
    throw new Error("broken");
  };
  const metadata = { ...engines.metadata, range };
  const store = storeOn({ ...engines, metadata: { ...metadata, range: (...values) => metadata.range(...values) } });
  await expect(saveText(store, "b", "k", "text")).rejects.toThrow("broken");
  await saveText(store, "b", "k", "text");
  await expect(saveText(store, "b", "l", "more text")).rejects.toMatchObject(full);
});

it("a client with a bucket prefix obeys the limit of its bucket, and not that of the bucket with its short name", async () => {
  const [operator, client] = [storeOn(engines), storeOn(engines, { bucketPrefix: "p-" })];
  await operator.buckets.set("p-b", { max_bytes: 10 });
  await operator.buckets.set("b", { max_bytes: 3 });
  await saveText(operator, "b", "k", "123");
  await saveText(client, "b", "one", "12345");
  const { id } = await client.uploads.create({ bucket: "b", key: "upload" });
  await client.uploads.append(id, 0, bytesOf("1234"));
  const details = { bucket: "b", bucket_bytes: 9, needed_bytes: 2, max_bucket_bytes: 10 };
  await expect(saveText(client, "b", "two", "12")).rejects.toMatchObject({ ...full, details });
  await expect(saveText(storeOn(engines, { bucketPrefix: "p-" }), "b", "two", "12")).rejects.toMatchObject({ details });
  expect(await operator.buckets.get("p-b")).toMatchObject({ bytes: 5, unfinished_bytes: 4 });
  await saveText(client, "c", "two", "a bucket without a limit");
});

it("a save in a bucket without a limit reads the limits of buckets once in half a minute, and counts nothing", async () => {
  const calls: string[] = [];
  const metadata = new Proxy(engines.metadata, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (typeof value !== "function") return value;
      return (...values: unknown[]) => {
        calls.push(`${String(name)} ${JSON.stringify(values[0])}`);
        return value.apply(target, values);
      };
    },
  });
  const store = storeOn({ ...engines, metadata }, { monotonicMs: () => ms });
  await storeOn(engines).buckets.set("limited", { max_bytes: 1_000 });
  const limitReads = (): number => calls.filter((call) => call === 'range "bucket\\t"').length;
  for (let n = 0; n < 5; n += 1) await saveText(store, "b", `k${n}`, `text ${n}`);
  expect(limitReads()).toBe(1);
  expect(calls.filter((call) => call.startsWith("bucketUse"))).toEqual([]);
  ms += bucketLimitsMs;
  for (let n = 0; n < 5; n += 1) await saveText(store, "b", `k${n}`, `text ${n} again`);
  expect(limitReads()).toBe(2);
});
