import { describe, expect, it } from "vitest";
import type { StoreOptions } from "../../../src/store/store.js";
import { expectNothingLeaked, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { digestOf } from "../../support/operations.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, storeOn, textOf } from "../../support/stores.js";

const at = { bucket: "b", key: "k.txt" };

describe.each(pieceKinds)("an upload whose bytes lie $where", ({ pieceLimits }) => {
  function open(options: Partial<StoreOptions> = {}) {
    const engines = createMemoryEngines();
    return { engines, store: storeOn(engines, { pieceLimits, ...options }) };
  }

  it("of a declared size is published with its last byte", async () => {
    const { store, engines } = open();
    const { uploads } = store;
    const { id, offset, status } = await uploads.create({ ...at, size: 6 });
    expect([offset, status]).toEqual([0, "open"]);
    expect(await uploads.append(id, 0, bytesOf("abc"))).toMatchObject({ offset: 3, status: "open" });
    const done = await uploads.append(id, 3, bytesOf("def"));
    expect(done).toMatchObject({ offset: 6, status: "complete", artifact: { version: 1, sha256: digestOf("abcdef") } });
    expect(done.artifact).not.toHaveProperty("already_saved");
    expect(await textOf(store, "b", "k.txt")).toBe("abcdef");
    expectSound(engines);
    expectNothingLeft(engines);
  });

  it("without a size ends with complete(), which can be repeated", async () => {
    const { store } = open();
    const { id } = await store.uploads.create(at);
    await store.uploads.append(id, 0, bytesOf("abc"));
    const done = await store.uploads.complete(id);
    expect(done).toMatchObject({ status: "complete", size: null, artifact: { bytes: 3 } });
    expect(await store.uploads.complete(id)).toEqual(done);
    expect(await store.uploads.get(id)).toEqual(done);
  });

  it("of no bytes is complete when it is created", async () => {
    const { store, engines } = open();
    const session = await store.uploads.create({ ...at, size: 0, sha256: digestOf("") });
    expect(session).toMatchObject({ status: "complete", artifact: { bytes: 0, sha256: digestOf("") } });
    const unsized = await store.uploads.create({ ...at, key: "other" });
    expect(await store.uploads.complete(unsized.id)).toMatchObject({ status: "complete", artifact: { bytes: 0 } });
    expect(await textOf(store, "b", "other")).toBe("");
    expectNothingLeft(engines);
  });

  it("keeps its expiry when a server with a shorter session life appends to it", async () => {
    const engines = createMemoryEngines();
    const day = 86_400_000;
    const [generous, mean] = [7 * day, day].map((sessionTtlMs) => storeOn(engines, { pieceLimits, sessionTtlMs }));
    const { id, expires_at } = (await generous?.uploads.create({ ...at, size: 9 })) ?? { id: "", expires_at: 0 };
    const appended = await mean?.uploads.append(id, 0, bytesOf("abc"));
    expect(appended?.expires_at).toBeGreaterThanOrEqual(expires_at);
    expect((await mean?.uploads.append(id, 3, bytesOf("d")))?.expires_at).toBeGreaterThanOrEqual(expires_at);
  });

  it("is not read by an append that follows another one of this process; all other calls read it", async () => {
    const engines = createMemoryEngines();
    const read: string[] = [];
    const get = async (key: string): Promise<string | undefined> => {
      read.push(key);
      return engines.metadata.get(key);
    };
    const { uploads } = storeOn({ ...engines, metadata: { ...engines.metadata, get } }, { pieceLimits });
    const { id } = await uploads.create({ ...at, size: 9 });
    await uploads.append(id, 0, bytesOf("ab"));
    read.length = 0;
    await uploads.append(id, 2, bytesOf("cd"));
    await uploads.append(id, 4, bytesOf("e"));
    expect(read).toEqual([]);
    expect(await uploads.append(id, 4, bytesOf("e"))).toMatchObject({ offset: 5 });
    await expect(uploads.append(id, 6, bytesOf("g"))).rejects.toMatchObject({ code: "offset_conflict" });
    await expect(uploads.append(id, 5, bytesOf("fghij"))).rejects.toMatchObject({ code: "size_exceeded" });
    const row = `session\t${id}`;
    expect(read).toEqual([row, row, row, row]); // twice for the conflict: its error has the tail
  });

  it("that another process changed, ended or let expire refuses an append that skipped the session read", async () => {
    let now = 1_000_000;
    const engines = createMemoryEngines();
    const options = { now: () => now, monotonicMs: () => now, sessionTtlMs: 10_000, pieceLimits };
    const [one, other] = [storeOn(engines, options), storeOn(engines, options)];
    const begin = async (): Promise<string> => {
      const { id } = await one.uploads.create(at);
      await one.uploads.append(id, 0, bytesOf("abc"));
      return id;
    };
    const gone = await begin();
    await other.uploads.append(gone, 3, bytesOf("def"));
    await expect(one.uploads.append(gone, 3, bytesOf("xyz"))).rejects.toMatchObject({ code: "offset_conflict" });
    expect(await one.uploads.append(gone, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
    expect(await one.uploads.append(gone, 6, bytesOf("ghi"))).toMatchObject({ offset: 9 });
    expect(await other.uploads.complete(gone)).toMatchObject({ artifact: { sha256: digestOf("abcdefghi") } });
    await expect(one.uploads.append(gone, 9, bytesOf("jkl"))).rejects.toMatchObject({ code: "session_closed" });
    const aborted = await begin();
    await other.uploads.abort(aborted);
    await expect(one.uploads.append(aborted, 3, bytesOf("def"))).rejects.toMatchObject({ code: "session_closed" });
    const expired = await begin();
    now += 20_000;
    await expect(one.uploads.append(expired, 3, bytesOf("def"))).rejects.toMatchObject({ code: "session_expired" });
    expectSound(engines);
    expectNothingLeaked(engines);
    expect(await other.sweep.run({ trustsClock: true })).toMatchObject({ expired: 1, failed: 0 });
    expectNothingLeft(engines);
  });

  it("runs calls on one session in the order of their arrival", async () => {
    const { store } = open();
    const { id } = await store.uploads.create({ ...at, size: 5 });
    const answers = await Promise.all([..."abcde"].map((letter, n) => store.uploads.append(id, n, bytesOf(letter))));
    expect(answers.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
    expect(await textOf(store, "b", "k.txt")).toBe("abcde");
  });

  it("expires a fixed time after its last byte: later calls change nothing, and a sweep ends it", async () => {
    let now = 1_000_000;
    const { store, engines } = open({ now: () => now, monotonicMs: () => now, sessionTtlMs: 10_000 });
    const { uploads } = store;
    const { id } = await uploads.create({ ...at, size: 9 });
    now += 9_000;
    await uploads.append(id, 0, bytesOf("abc"));
    now += 9_999;
    expect(await uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
    now += 1;
    const before = new Map(engines.metadata.rows);
    expect((await uploads.list({ all: true, limit: 1 })).data).toMatchObject([{ id, status: "expired" }]);
    expect(await uploads.get(id)).toMatchObject({ status: "expired", offset: 0 });
    const calls = [
      () => uploads.append(id, 3, bytesOf("d")),
      () => uploads.append(id, 0, bytesOf("abc")),
      () => uploads.complete(id),
      () => uploads.abort(id),
      () => uploads.declareSize(id, 9),
      () => uploads.dismiss(id),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "session_expired" });
    expect(engines.metadata.rows).toEqual(before);
    await store.sweep.run();
    expect(engines.metadata.rows.get(`session\t${id}`)).toEqual(before.get(`session\t${id}`));
    expect(await store.sweep.run({ trustsClock: true })).toMatchObject({ expired: 1 });
    expectNothingLeft(engines);
    expect(await uploads.get(id)).toMatchObject({ status: "expired" });
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "session_expired" });
  });

  it("is not ended by a sweep if another append gave it more time since the sweep read its row", async () => {
    let now = 1_000_000;
    const engines = createMemoryEngines();
    const options = { now: () => now, monotonicMs: () => now, sessionTtlMs: 10_000, pieceLimits };
    const appender = storeOn(engines, options);
    const { id } = await appender.uploads.create(at);
    await appender.uploads.append(id, 0, bytesOf("abc"));
    now += 9_000;
    let isOver = false;
    const change: typeof engines.metadata.change = async (rows, pieces) => {
      // The other process's append comes between the sweep's read of the expired row and its change.
      if (!isOver && rows.some(({ key }) => key.startsWith("session\t"))) {
        isOver = true;
        now -= 2_000;
        await appender.uploads.append(id, 3, bytesOf("def"));
        now += 2_000;
      }
      return engines.metadata.change(rows, pieces);
    };
    now += 2_000;
    const other = storeOn({ ...engines, metadata: { ...engines.metadata, change } }, options);
    expect(await other.sweep.run({ trustsClock: true })).toMatchObject({ expired: 0, failed: 0 });
    expect(isOver).toBe(true);
    expect(await other.uploads.get(id)).toMatchObject({ status: "open", offset: 6 });
    expect(await appender.uploads.complete(id)).toMatchObject({ status: "complete" });
    expect(await textOf(appender, "b", "k.txt")).toBe("abcdef");
  });
});

describe("list()", () => {
  it("finds uploads by bucket and key, page by page", async () => {
    const store = storeOn(createMemoryEngines());
    const ids = new Set<string>();
    for (let n = 0; n < 5; n += 1) ids.add((await store.uploads.create(at)).id);
    await store.uploads.create({ bucket: "b", key: "k.txt.old" });
    await store.uploads.create({ bucket: "bb", key: "k.txt" });
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.uploads.list({ all: true, ...at, cursor, limit: 2 });
      found.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(found).toHaveLength(5);
    expect(new Set(found)).toEqual(ids);
    expect((await store.uploads.list({ all: true, bucket: "b", limit: 100 })).data).toHaveLength(6);
    expect((await store.uploads.list({ all: true, limit: 100 })).data).toHaveLength(7);
    await expect(store.uploads.list({ all: true, key: "k", limit: 1 })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});

describe("an unknown session", () => {
  it.each(["", "nope", "x".repeat(10_000), "a\tb", "\0"])("is refused as session_not_found: %j", async (id) => {
    const store = storeOn(createMemoryEngines());
    const code = { code: "session_not_found" };
    await expect(store.uploads.get(id)).rejects.toMatchObject(code);
    await expect(store.uploads.append(id, 0, bytesOf("a"))).rejects.toMatchObject(code);
    await expect(store.uploads.complete(id)).rejects.toMatchObject(code);
    await expect(store.uploads.abort(id)).rejects.toMatchObject(code);
    await expect(store.uploads.dismiss(id)).rejects.toMatchObject(code);
  });

  it("includes the session of a save", async () => {
    const engines = createMemoryEngines();
    const store = storeOn(engines, { pieceLimits: pieceKinds[1].pieceLimits });
    await store.artifacts.save({ ...at, bytes: bytesOf("abc"), defaultMimeType: "text/plain" });
    const [id] = [...engines.metadata.rows.keys()].flatMap((key) =>
      key.startsWith("session\t") ? [key.slice(8)] : [],
    );
    await expect(store.uploads.get(id ?? "")).rejects.toMatchObject({ code: "session_not_found" });
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toEqual([]);
  });
});

describe("dismiss()", () => {
  it("aborts an open upload, and hides a complete one", async () => {
    const engines = createMemoryEngines();
    const store = storeOn(engines);
    const open = await store.uploads.create(at);
    await store.uploads.append(open.id, 0, bytesOf("abc"));
    const done = await store.uploads.create({ ...at, size: 3 });
    await store.uploads.append(done.id, 0, bytesOf("abc"));
    await store.uploads.dismiss(open.id);
    expect(await store.uploads.get(open.id)).toMatchObject({ status: "aborted" });
    await store.uploads.dismiss(done.id);
    await expect(store.uploads.get(done.id)).rejects.toMatchObject({ code: "session_not_found" });
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ id: open.id }]);
    expect(await textOf(store, "b", "k.txt")).toBe("abc");
    expectSound(engines);
    expectNothingLeft(engines);
  });
});
