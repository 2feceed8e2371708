import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

let engines: MemoryEngines;
beforeEach(() => {
  engines = createMemoryEngines();
});

const open = (options: Partial<StoreOptions>): Store => storeOn(engines, options);
const create = async ({ uploads }: Store, more = {}): Promise<string> =>
  (await uploads.create({ bucket: "b", key: "k", ...more })).id;

describe("--max-store-bytes", () => {
  it("refuses what would pass it, keeps what was acknowledged, and takes it once there is room", async () => {
    const store = open({ maxStoreBytes: 10 });
    await saveText(store, "b", "one", "12345");
    const id = await create(store);
    await store.uploads.append(id, 0, bytesOf("678"));
    const refused = { code: "storage_full", details: { stored_bytes: 8, needed_bytes: 4, max_store_bytes: 10 } };
    await expect(saveText(store, "b", "two", "abcd")).rejects.toMatchObject(refused);
    await expect(store.uploads.append(id, 3, bytesOf("abcd"))).rejects.toMatchObject(refused);
    expect(await store.uploads.get(id)).toMatchObject({ offset: 3 });
    expect(await store.uploads.append(id, 3, bytesOf("90"))).toMatchObject({ offset: 5 });
    await expect(saveText(store, "b", "two", "a")).rejects.toMatchObject({ code: "storage_full" });
    expect(await textOf(store, "b", "one")).toBe("12345");
    await store.artifacts.delete("b", "one");
    await saveText(store, "b", "two", "abcde");
    await store.uploads.complete(id);
    await expect(saveText(store, "b", "two", "a")).rejects.toMatchObject({ code: "storage_full" });
  });

  it("refuses a session whose declared size has no room, before a byte is sent", async () => {
    const store = open({ maxStoreBytes: 10 });
    await saveText(store, "b", "one", "12345");
    await expect(create(store, { size: 6 })).rejects.toMatchObject({ code: "storage_full" });
    const id = await create(store, { size: 5 });
    expect(await store.uploads.append(id, 0, bytesOf("67890"))).toMatchObject({ status: "complete" });
  });

  it("says that what is larger than the limit never fits, whatever is deleted", async () => {
    const store = open({ maxStoreBytes: 10 });
    await expect(saveText(store, "b", "k", "12345678901")).rejects.toThrow(
      /needs 11 more.*never fits.*--max-store-bytes/,
    );
    await saveText(store, "b", "k", "123456");
    await expect(saveText(store, "b", "k2", "12345")).rejects.toThrow(/Delete artifacts with delete_artifact/);
  });

  it("counts what is there when a process starts, and what others add", async () => {
    const [first, second] = [open({ maxStoreBytes: 10 }), open({ maxStoreBytes: 10 })];
    await saveText(first, "b", "one", "123456");
    await expect(saveText(second, "b", "two", "12345")).rejects.toMatchObject({ code: "storage_full" });
    await saveText(open({}), "b", "three", "1234");
    await expect(saveText(open({ maxStoreBytes: 10 }), "b", "two", "1")).rejects.toMatchObject({
      code: "storage_full",
    });
  });

  it("does not count a save that is there already, nor one that failed", async () => {
    const store = open({ maxStoreBytes: 5 });
    await saveText(store, "b", "k", "12345");
    expect(await saveText(store, "b", "k", "12345")).toMatchObject({ version: 1 });
    await store.artifacts.delete("b", "k");
    const blobs = { ...engines.blobs, install: () => Promise.reject(new Error("broken")) };
    const failing = storeOn({ metadata: engines.metadata, blobs }, { maxStoreBytes: 5 });
    await expect(saveText(failing, "b", "k", "12345")).rejects.toThrow("broken");
    Object.assign(blobs, engines.blobs);
    await saveText(failing, "b", "k", "12345");
  });
});

describe("--max-unfinished-bytes", () => {
  it("limits what open uploads hold together, until one is completed or aborted", async () => {
    const store = open({ maxUnfinishedBytes: 6 });
    const [one, two] = [await create(store), await create(store)];
    await store.uploads.append(one, 0, bytesOf("abc"));
    await store.uploads.append(two, 0, bytesOf("abc"));
    const refused = { code: "storage_full", message: expect.stringContaining("list_upload_sessions") };
    await expect(store.uploads.append(one, 3, bytesOf("d"))).rejects.toMatchObject(refused);
    expect(await store.uploads.append(one, 0, bytesOf("abc"))).toMatchObject({ offset: 3 });
    await saveText(store, "b", "other", "a save is not unfinished");
    await store.uploads.complete(two);
    expect(await store.uploads.append(one, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
    await store.uploads.abort(one);
    const three = await create(store);
    expect(await store.uploads.append(three, 0, bytesOf("123456"))).toMatchObject({ offset: 6 });
  });
});

describe("content larger than --max-unfinished-bytes", () => {
  it("is refused with what it needs, and not told to abort what is not there", async () => {
    const store = open({ maxUnfinishedBytes: 6 });
    const refused = {
      code: "storage_full",
      message: expect.stringMatching(/needs 7 more.*never fits: split the content.*--max-unfinished-bytes/),
      details: { unfinished_bytes: 0, needed_bytes: 7, max_unfinished_bytes: 6 },
    };
    await expect(create(store, { size: 7 })).rejects.toMatchObject(refused);
    await expect(store.uploads.append(await create(store), 0, bytesOf("1234567"))).rejects.toMatchObject(refused);
  });
});

describe("--max-open-sessions", () => {
  it("limits uploads at a time, those of other processes too", async () => {
    const store = open({ maxOpenSessions: 3 });
    const first = await create(store);
    for (let n = 1; n < 3; n += 1) await create(store);
    const refused = { code: "storage_full", details: { open_sessions: 3, max_open_sessions: 3 } };
    await expect(create(store)).rejects.toMatchObject(refused);
    await expect(create(open({ maxOpenSessions: 3 }))).rejects.toMatchObject(refused);
    expect((await store.uploads.list({ limit: 9 })).data).toHaveLength(3);
    await store.uploads.abort(first);
    await create(store);
    await expect(create(store)).rejects.toMatchObject(refused);
  });

  it("is 1,000 where nothing else is said", async () => {
    const store = open({});
    for (let n = 0; n < 1_000; n += 1) await create(store, { size: 1 });
    await expect(create(store)).rejects.toMatchObject({ code: "storage_full" });
  });

  it("never keeps a call waiting for a count of others' sessions that takes long", async () => {
    const metadata = { ...engines.metadata, range: () => new Promise<never>(() => undefined) };
    const store = storeOn({ metadata, blobs: engines.blobs });
    expect(await store.uploads.create({ bucket: "b", key: "k" })).toMatchObject({ offset: 0 });
  });
});
