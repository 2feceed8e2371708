import { beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../../src/store/model/artifact.js";
import type { Store } from "../../../src/store/store.js";
import { expectListed } from "../../support/invariants.js";
import {
  bytesOf,
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  saveText,
  storeOn,
} from "../../support/stores.js";

const at = { bucket: "b", key: "k" };
const day = 24 * 60 * 60 * 1000;

let engines: MemoryEngines;
let store: Store;
let now: number;
/** Creates a session a minute after the last one. */
async function begin(key = "k", text = "", options = {}): Promise<string> {
  now += 60_000;
  const { id } = await store.uploads.create({ bucket: "b", key, ...options });
  if (text !== "") await store.uploads.append(id, 0, bytesOf(text));
  return id;
}

beforeEach(() => {
  engines = createMemoryEngines();
  now = 1_800_000_000_000;
  store = storeOn(engines, { now: () => now });
});

describe("create()", () => {
  it("names the other unfinished sessions of the key, newest first, with what they end with", async () => {
    const done = await begin("k", "done");
    await store.uploads.complete(done);
    await store.uploads.abort(await begin("k", "aborted"));
    const first = await begin("k", "first");
    await begin("k2", "of another key");
    const conflict = await begin("k", "second", { if_version: 0, checksGuardAtEnd: true });
    await expect(store.uploads.complete(conflict)).rejects.toMatchObject({ code: "version_conflict" });
    const { id, open_sessions } = await store.uploads.create(at);
    expect(open_sessions).toMatchObject([
      { id: conflict, offset: 6, size: null, status: "conflict", tail: "second" },
      { id: first, offset: 5, size: null, status: "open", tail: "first" },
    ]);
    expect(await store.uploads.get(id)).not.toHaveProperty("open_sessions");
  });

  it("names no session that has expired, and ten at most", async () => {
    await begin("k", "long ago");
    now += 8 * day;
    expect(await store.uploads.create(at)).not.toHaveProperty("open_sessions");
    const ids: string[] = [];
    for (let n = 0; n < 11; n += 1) ids.unshift(await begin());
    const { open_sessions = [] } = await store.uploads.create(at);
    expect(open_sessions.map(({ id }) => id)).toEqual(ids.slice(0, 10));
  });

  it("succeeds if the other sessions or their bytes cannot be read", async () => {
    store = storeOn(engines, { pieceLimits: noRowPieces });
    const other = await begin("k", "lost");
    engines.content.files.clear();
    const created = await store.uploads.create(at);
    expect(created.open_sessions).toMatchObject([{ id: other, offset: 4 }]);
    expect(created.open_sessions?.[0]).not.toHaveProperty("tail");
    expect(await store.uploads.get(other)).toMatchObject({ status: "open", offset: 4 });
    engines.metadata.rows.set(`session\t${other}`, "?");
    expect(await store.uploads.create(at)).not.toHaveProperty("open_sessions");
  });

  it("checks the guard at once, and creates no session if it is not met", async () => {
    await saveText(store, "b", "k", "there");
    const refused = store.uploads.create({ ...at, if_version: 0 });
    await expect(refused).rejects.toMatchObject({
      code: "version_conflict",
      next: "create_on_newest",
      details: { if_version: 0, version: 1 },
    });
    await expect(store.uploads.create({ ...at, key: "none", if_version: 1 })).rejects.toMatchObject({
      details: { version: 0 },
    });
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toEqual([]);
    expect(await store.uploads.create({ ...at, if_version: 1 })).toMatchObject({ status: "open", if_version: "1" });
  });

  it("leaves the guard to the publication if the announced content is the newest version already", async () => {
    const { sha256 } = await saveText(store, "b", "k", "there");
    const repeated = { ...at, mime_type: "text/plain", if_version: 0, size: 5, sha256 };
    const { id } = await store.uploads.create(repeated);
    expect(await store.uploads.append(id, 0, bytesOf("there"))).toMatchObject({ artifact: { already_saved: true } });
    await expect(store.uploads.create({ ...repeated, isStrict: true })).rejects.toMatchObject({
      next: "create_on_newest",
    });
    const other = { ...repeated, sha256: sha256Of("other") };
    await expect(store.uploads.create(other)).rejects.toMatchObject({ next: "create_on_newest" });
  });
});

describe("tails", () => {
  it("are in the answer of get() and of a list of one key, and not in that of an append", async () => {
    const id = await begin("k", "abc");
    expect(await store.uploads.append(id, 3, bytesOf("d\u00e9").subarray(0, 2))).not.toHaveProperty("tail");
    expect(await store.uploads.get(id)).toMatchObject({ offset: 5, tail: "abcd", tail_ends_at: 4 });
    expect((await store.uploads.list({ ...at, limit: 9 })).data).toMatchObject([{ id, tail: "abcd" }]);
    expect((await store.uploads.list({ limit: 9 })).data[0]).not.toHaveProperty("tail");
    expect(await store.uploads.append(id, 4, bytesOf("\u00e9"))).toMatchObject({ offset: 6 });
    expect(await store.uploads.abort(id)).toMatchObject({ status: "aborted", offset: 0 });
    expect(await store.uploads.get(id)).not.toHaveProperty("tail");
  });

  it("come with every offset_conflict", async () => {
    const id = await begin("k", "abc");
    const expected = { code: "offset_conflict", details: { offset: 3, tail: "abc" } };
    await expect(store.uploads.append(id, 9, bytesOf("x"))).rejects.toMatchObject(expected);
    await expect(store.uploads.append(id, 0, bytesOf("aXc"))).rejects.toMatchObject({
      ...expected,
      details: { ...expected.details, differs_at: 1 },
    });
    const stream = { next: async () => undefined, stop: () => undefined };
    await expect(store.uploads.appendStream(id, stream, { offset: 9 })).rejects.toMatchObject(expected);
    await expect(store.uploads.appendStream(id, stream, { offset: 0, isLast: true })).rejects.toMatchObject(expected);
  });

  it("are read from the last pieces alone", async () => {
    store = storeOn(engines, { pieceLimits: noRowPieces });
    const id = await begin("k", "x".repeat(5_000));
    await storeOn(engines, { pieceLimits: noRowPieces }).uploads.append(id, 5_000, bytesOf("y".repeat(5_000)));
    const opened: string[] = [];
    const openPiece: typeof engines.content.openPiece = (session, piece) => {
      opened.push(piece.name);
      return engines.content.openPiece(session, piece);
    };
    const reading = storeOn({ ...engines, content: { ...engines.content, openPiece } });
    expect(await reading.uploads.get(id)).toMatchObject({ tail: "y".repeat(300) });
    expect(opened).toEqual([expect.stringMatching(/^5000-/)]);
  });
});

describe("list()", () => {
  it("shows unfinished sessions alone, newest first, page by page, in a bucket, of a key, or of all", async () => {
    const ids: string[] = [];
    for (const key of ["z", "a", "k", "a"]) ids.unshift(await begin(key, "text"));
    await store.uploads.complete(await begin("a", "done"));
    now += 60_000;
    const { id: elsewhere } = await store.uploads.create({ bucket: "a", key: "a" });
    expectListed(engines);
    const pages = async (filter: object): Promise<string[]> => {
      const found: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await store.uploads.list({ ...filter, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        found.push(...page.data.map(({ id }) => id));
        cursor = page.next_cursor;
        if (cursor === undefined) return found;
      }
    };
    expect(await pages({})).toEqual([elsewhere, ...ids]);
    expect(await pages({ bucket: "b" })).toEqual(ids);
    expect(await pages({ bucket: "b", key: "a" })).toEqual([ids[0], ids[2]]);
    expect((await pages({ all: true })).length).toBe(6);
    expect(await pages({ all: true, bucket: "b", key: "a" })).toEqual([expect.any(String), ids[0], ids[2]]);
    expect(await pages({ bucket: "none" })).toEqual([]);
    now += 8 * day;
    expect(await pages({})).toEqual([]);
  });

  it("is repaired by verify if an index row was lost", async () => {
    const id = await begin("k", "abc");
    for (const key of [...engines.metadata.rows.keys()])
      if (key.startsWith("open\t")) engines.metadata.rows.delete(key);
    expect((await store.uploads.list({ limit: 9 })).data).toEqual([]);
    expect((await store.verify()).faults).toMatchObject([{ kind: "unlisted", session_id: id, repaired: false }]);
    await store.verify({ repair: true });
    expectListed(engines);
    expect((await store.uploads.list({ limit: 9 })).data).toMatchObject([{ id }]);
  });

  it("passes over an index row whose session has ended, and a session without its index row can be completed", async () => {
    const id = await begin("k", "abc");
    const row = [...engines.metadata.rows.keys()].find((key) => key.startsWith("open\t")) ?? "";
    engines.metadata.rows.delete(row);
    expect(await store.uploads.complete(id)).toMatchObject({ status: "complete" });
    engines.metadata.rows.set(row, "{}");
    expect((await store.uploads.list({ limit: 9 })).data).toEqual([]);
    expect((await store.verify()).faults).toEqual([]);
  });
});
