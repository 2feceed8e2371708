import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { expectNothingLeft, expectSound } from "../../support/invariants.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { createPipe, sourceOf } from "../../support/sources.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const MiB = 1024 * 1024;
let engines: MemoryEngines;
beforeEach(() => {
  engines = createMemoryEngines();
});

const create = async ({ uploads }: Store, more = {}): Promise<string> =>
  (await uploads.create({ bucket: "b", key: "k", ...more })).id;

describe.each(pieceKinds)("with bytes $where", ({ pieceLimits }) => {
  const open = (options: Partial<StoreOptions>): Store => storeOn(engines, { pieceLimits, ...options });

  describe("the limit on the store's bytes", () => {
    it("rejects calls that would exceed it, keeps acknowledged bytes, and accepts calls when there is room again", async () => {
      const store = open({ maxStoreBytes: 10 });
      await saveText(store, "b", "one", "12345");
      const id = await create(store);
      await store.uploads.append(id, 0, bytesOf("678"));
      const refused = {
        code: "storage_full",
        next: "free_store_quota",
        details: { stored_bytes: 8, needed_bytes: 4, max_store_bytes: 10 },
      };
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
      expectSound(engines);
      expectNothingLeft(engines);
    });

    it("rejects a session whose declared size does not fit, before a byte is sent", async () => {
      const store = open({ maxStoreBytes: 10 });
      await saveText(store, "b", "one", "12345");
      await expect(create(store, { size: 6 })).rejects.toMatchObject({ code: "storage_full" });
      expect((await store.uploads.list({ all: true, limit: 9 })).data).toEqual([]);
      const id = await create(store, { size: 5 });
      expect(await store.uploads.append(id, 0, bytesOf("67890"))).toMatchObject({ status: "complete" });
    });

    it("says that content larger than the limit never fits", async () => {
      const store = open({ maxStoreBytes: 10 });
      const details = { needed_bytes: 11, max_store_bytes: 10 };
      await expect(saveText(store, "b", "k", "12345678901")).rejects.toMatchObject({
        code: "storage_full",
        next: "raise_store_quota",
        details,
      });
      await saveText(store, "b", "k", "123456");
      await expect(saveText(store, "b", "k2", "12345")).rejects.toMatchObject({ next: "free_store_quota" });
    });

    it("counts the content that exists when a process starts, and the content that other processes add", async () => {
      const [first, second] = [open({ maxStoreBytes: 10 }), open({ maxStoreBytes: 10 })];
      await saveText(first, "b", "one", "123456");
      await expect(saveText(second, "b", "two", "12345")).rejects.toMatchObject({ code: "storage_full" });
      await saveText(open({}), "b", "three", "1234");
      await expect(saveText(open({ maxStoreBytes: 10 }), "b", "two", "1")).rejects.toMatchObject({
        code: "storage_full",
      });
    });

    it("counts neither a save of content that is stored already nor a save that failed", async () => {
      const store = open({ maxStoreBytes: 5 });
      await saveText(store, "b", "k", "12345");
      expect(await saveText(store, "b", "k", "12345")).toMatchObject({ version: 1 });
      await store.artifacts.delete("b", "k");
      const metadata = { ...engines.metadata };
      metadata.change = async (rows, pieces) => {
        if (rows.some(({ key }) => key.startsWith("artifact\t"))) throw new Error("broken");
        return engines.metadata.change(rows, pieces);
      };
      const failing = storeOn({ ...engines, metadata }, { maxStoreBytes: 5, pieceLimits });
      await expect(saveText(failing, "b", "k", "12345")).rejects.toThrow("broken");
      metadata.change = engines.metadata.change;
      await saveText(failing, "b", "k", "12345");
    });

    it("has room again at once if an upload equals the newest version", async () => {
      const store = open({ maxStoreBytes: 10 });
      await saveText(store, "b", "k", "12345");
      const id = await create(store, { mime_type: "text/plain", size: 5 });
      expect(await store.uploads.append(id, 0, bytesOf("12345"))).toMatchObject({ artifact: { already_saved: true } });
      await saveText(store, "b", "other", "abcde");
    });

    it("is not exceeded by many calls at once", async () => {
      const store = open({ maxStoreBytes: 10 });
      const saves = Array.from({ length: 8 }, (_, n) => saveText(store, "b", `k${n}`, `12${n}`));
      const results = await Promise.allSettled(saves);
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "storage_full" });
      }
    });
  });

  describe("the limit on unfinished bytes", () => {
    it("holds for all open uploads together, until one is completed or aborted", async () => {
      const store = open({ maxUnfinishedBytes: 6 });
      const [one, two] = [await create(store), await create(store)];
      await store.uploads.append(one, 0, bytesOf("abc"));
      await store.uploads.append(two, 0, bytesOf("abc"));
      const refused = { code: "storage_full", next: "finish_uploads" };
      await expect(store.uploads.append(one, 3, bytesOf("d"))).rejects.toMatchObject(refused);
      expect(await store.uploads.append(one, 0, bytesOf("abc"))).toMatchObject({ offset: 3 });
      await saveText(store, "b", "other", "a save is not unfinished");
      await store.uploads.complete(two);
      expect(await store.uploads.append(one, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
      await store.uploads.abort(one);
      const three = await create(store);
      expect(await store.uploads.append(three, 0, bytesOf("123456"))).toMatchObject({ offset: 6 });
    });

    it("does not count running saves, also not those of other processes", async () => {
      let meanwhile = async (): Promise<unknown> => undefined;
      const change: typeof engines.metadata.change = async (rows, pieces) => {
        const isPublication = rows.some(({ key }) => key.startsWith("artifact\t"));
        if (isPublication) await meanwhile();
        return engines.metadata.change(rows, pieces);
      };
      const saving = storeOn({ ...engines, metadata: { ...engines.metadata, change } }, { pieceLimits });
      const id = await create(open({}));
      meanwhile = () => open({ maxUnfinishedBytes: 6 }).uploads.append(id, 0, bytesOf("abcd"));
      await saveText(saving, "b", "other", "a save is not unfinished");
      expect(await open({}).uploads.get(id)).toMatchObject({ offset: 4 });
    });

    it("rejects larger content and reports the needed bytes, and does not suggest to abort other uploads", async () => {
      const store = open({ maxUnfinishedBytes: 6 });
      const refused = {
        code: "storage_full",
        next: "raise_unfinished_quota",
        details: { unfinished_bytes: 0, needed_bytes: 7, max_unfinished_bytes: 6 },
      };
      await expect(create(store, { size: 7 })).rejects.toMatchObject(refused);
      await expect(store.uploads.append(await create(store), 0, bytesOf("1234567"))).rejects.toMatchObject(refused);
    });
  });
});

describe("the limit on open sessions", () => {
  const open = (options: Partial<StoreOptions>): Store => storeOn(engines, options);

  it("holds for uploads at the same time, including those of other processes", async () => {
    const store = open({ maxOpenSessions: 3 });
    const first = await create(store);
    for (let n = 1; n < 3; n += 1) await create(store);
    const refused = {
      code: "storage_full",
      next: "close_sessions",
      details: { open_sessions: 3, max_open_sessions: 3 },
    };
    await expect(create(store)).rejects.toMatchObject(refused);
    await expect(create(open({ maxOpenSessions: 3 }))).rejects.toMatchObject(refused);
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toHaveLength(3);
    await store.uploads.abort(first);
    await create(store);
    await expect(create(store)).rejects.toMatchObject(refused);
  });

  it("is 1,000 by default", async () => {
    const store = open({});
    for (let n = 0; n < 1_000; n += 1) await create(store, { size: 1 });
    await expect(create(store)).rejects.toMatchObject({ code: "storage_full" });
  });

  it("never makes a call wait for a slow count of the sessions of other processes", async () => {
    const range: typeof engines.metadata.range = (prefix, options) =>
      prefix === "session\t" ? new Promise(() => undefined) : engines.metadata.range(prefix, options);
    const metadata = { ...engines.metadata, range };
    const store = storeOn({ ...engines, metadata });
    expect(await store.uploads.create({ bucket: "b", key: "k" })).toMatchObject({ offset: 0 });
  });
});

describe("bytes that no row counts yet", () => {
  /** A content store that counts the bytes written to it, and does not keep them. */
  function countedContent() {
    const counts = { written: 0, largest: 0 };
    const createPiece: typeof engines.content.createPiece = async (session, start) => {
      const writer = await engines.content.createPiece(session, start);
      let own = 0;
      const count = (bytes: number): void => {
        own += bytes;
        counts.written += bytes;
        counts.largest = Math.max(counts.largest, counts.written);
      };
      return {
        ...writer,
        write: async (bytes) => count(bytes.length),
        truncate: async (length) => count(length - own),
      };
    };
    const remove: typeof engines.content.remove = async (pieces) => {
      counts.written = 0;
      await engines.content.remove(pieces);
    };
    return { counts, content: { ...engines.content, createPiece, remove } };
  }
  const block = Buffer.alloc(MiB);
  const checksum = { algorithm: "sha256", digest: digestOf("other") } as const;

  it("stay within the limit: of 200 MiB with a checksum, 10 MiB are written, and then nothing is kept", async () => {
    const { counts, content } = countedContent();
    const store = storeOn({ ...engines, content }, { maxStoreBytes: 10 * MiB });
    const id = await create(store);
    let asked = 0;
    const next = async (): Promise<Buffer | undefined> => {
      asked += 1;
      return asked > 200 ? undefined : block;
    };
    const refused = store.uploads.appendStream(id, { next, stop: () => undefined }, { checksum });
    await expect(refused).rejects.toMatchObject({ code: "storage_full", details: { max_store_bytes: 10 * MiB } });
    expect(asked).toBe(11);
    expect(counts.largest).toBe(10 * MiB);
    expect(await store.uploads.get(id)).toMatchObject({ offset: 0, status: "open" });
    expect(engines.content.files.size).toBe(0);
    // There is room again at once.
    await saveText(store, "b", "other", "x".repeat(30_000));
    const again = store.uploads.appendStream(id, sourceOf(...Array.from({ length: 9 }, () => block)), { checksum });
    await expect(again).rejects.toMatchObject({ code: "checksum_mismatch" });
    expect(counts.largest).toBe(10 * MiB);
  });

  it("share the room if two streams run at once", async () => {
    const { counts, content } = countedContent();
    const store = storeOn({ ...engines, content }, { maxStoreBytes: 10 * MiB });
    const [one, two] = [await create(store), await create(store)];
    const streams = [one, two].map((id) =>
      store.uploads.appendStream(id, sourceOf(...Array.from({ length: 200 }, () => block)), { checksum }),
    );
    for (const result of await Promise.allSettled(streams)) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: expect.stringMatching(/storage_full/) } });
    }
    expect(counts.largest).toBeLessThanOrEqual(10 * MiB);
    expect(counts.largest).toBeGreaterThan(4 * MiB);
  });

  it("make room for others when their stream breaks, is stopped or has another digest", async () => {
    const store = storeOn(engines, { maxStoreBytes: 10 });
    const id = await create(store);
    const refused = { code: "storage_full", details: { stored_bytes: 8 } };
    const endings = [
      (pipe: ReturnType<typeof createPipe>) => pipe.break(new Error("gone")),
      (pipe: ReturnType<typeof createPipe>) => pipe.end(),
      () => void store.uploads.stopStreams(),
    ];
    for (const end of endings) {
      const pipe = createPipe();
      const result = store.uploads.appendStream(id, pipe, { checksum });
      result.catch(() => undefined); // the test looks at it below
      await pipe.send(bytesOf("12345678"));
      await expect(saveText(store, "b", "other", "123")).rejects.toMatchObject(refused);
      end(pipe);
      await expect(result).rejects.toThrow();
      await saveText(store, "b", "other", "1234567890");
      await store.artifacts.delete("b", "other");
    }
    expect(await store.uploads.get(id)).toMatchObject({ offset: 0 });
  });
});
