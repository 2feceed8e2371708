import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import { bytesOf, createMemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const at = { bucket: "b", key: "k.txt" };

function open(options = {}) {
  const engines = createMemoryEngines();
  return { engines, store: storeOn(engines, options) };
}

describe("an upload", () => {
  it("of known size is published with its last byte", async () => {
    const { store, engines } = open();
    const { uploads } = store;
    const { id, offset, status } = await uploads.create({ ...at, size: 6 });
    expect([offset, status]).toEqual([0, "open"]);
    expect(await uploads.append(id, 0, bytesOf("abc"))).toMatchObject({ offset: 3, status: "open" });
    const done = await uploads.append(id, 3, bytesOf("def"));
    expect(done).toMatchObject({ offset: 6, status: "complete", artifact: { version: 1, sha256: sha256("abcdef") } });
    expect(await textOf(store, "b", "k.txt")).toBe("abcdef");
    expect([...engines.blobs.segments.keys()]).toEqual([]);
  });

  it("without a size ends when it is completed, which can be asked twice", async () => {
    const { store } = open();
    const { id } = await store.uploads.create(at);
    await store.uploads.append(id, 0, bytesOf("abc"));
    const done = await store.uploads.complete(id);
    expect(done).toMatchObject({ status: "complete", size: null, artifact: { bytes: 3 } });
    expect(await store.uploads.complete(id)).toEqual(done);
    expect(await store.uploads.get(id)).toEqual(done);
  });

  it("of no bytes is complete in the answer that creates it", async () => {
    const { store } = open();
    const session = await store.uploads.create({ ...at, size: 0, sha256: sha256("") });
    expect(session).toMatchObject({ status: "complete", artifact: { bytes: 0, sha256: sha256("") } });
    const unsized = await store.uploads.create({ ...at, key: "other" });
    expect(await store.uploads.complete(unsized.id)).toMatchObject({ status: "complete", artifact: { bytes: 0 } });
  });

  it("is asked for no row by an append that follows another of this process, and for its row by all else", async () => {
    const engines = createMemoryEngines();
    const read: string[] = [];
    const get = async (key: string): Promise<string | undefined> => {
      read.push(key);
      return engines.metadata.get(key);
    };
    const { uploads } = storeOn({ ...engines, metadata: { ...engines.metadata, get } });
    const { id } = await uploads.create({ ...at, size: 9 });
    await uploads.append(id, 0, bytesOf("ab"));
    read.length = 0;
    await uploads.append(id, 2, bytesOf("cd"));
    await uploads.append(id, 4, bytesOf("e"));
    expect(read).toEqual([]);
    expect(await uploads.append(id, 4, bytesOf("e"))).toMatchObject({ offset: 5 });
    await expect(uploads.append(id, 6, bytesOf("g"))).rejects.toMatchObject({ code: "offset_conflict" });
    await expect(uploads.append(id, 5, bytesOf("fghij"))).rejects.toMatchObject({ code: "size_exceeded" });
    expect(read).toEqual([`session:${id}`, `session:${id}`, `session:${id}`]);
  });

  it("that another process has gone on with, ended or let expire is found to be so by the append that did not ask", async () => {
    let now = 1_000_000;
    const engines = createMemoryEngines();
    const [one, other] = [1, 2].map(() => storeOn(engines, { now: () => now, sessionTtlMs: 10_000 }).uploads);
    if (!one || !other) throw new Error("there are two");
    const begin = async (): Promise<string> => {
      const { id } = await one.create(at);
      await one.append(id, 0, bytesOf("abc"));
      return id;
    };
    const gone = await begin();
    await other.append(gone, 3, bytesOf("def"));
    await expect(one.append(gone, 3, bytesOf("xyz"))).rejects.toMatchObject({ code: "offset_conflict" });
    expect(await one.append(gone, 3, bytesOf("def"))).toMatchObject({ offset: 6 });
    expect(await one.append(gone, 6, bytesOf("ghi"))).toMatchObject({ offset: 9 });
    expect(await other.complete(gone)).toMatchObject({ artifact: { sha256: sha256("abcdefghi") } });
    await expect(one.append(gone, 9, bytesOf("jkl"))).rejects.toMatchObject({ code: "session_closed" });
    const aborted = await begin();
    await other.abort(aborted);
    await expect(one.append(aborted, 3, bytesOf("def"))).rejects.toMatchObject({ code: "session_closed" });
    const expired = await begin();
    now += 20_000;
    await expect(one.append(expired, 3, bytesOf("def"))).rejects.toMatchObject({ code: "session_expired" });
    expect([...engines.blobs.segments.keys()]).toEqual([]);
  });

  it("runs calls on one session in the order of their arrival", async () => {
    const { store } = open();
    const { id } = await store.uploads.create({ ...at, size: 5 });
    const answers = await Promise.all([..."abcde"].map((letter, n) => store.uploads.append(id, n, bytesOf(letter))));
    expect(answers.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
    expect(await textOf(store, "b", "k.txt")).toBe("abcde");
  });

  it("lives its time after the last accepted byte, then its bytes are gone", async () => {
    let now = 1_000_000;
    const { store, engines } = open({ now: () => now, sessionTtlMs: 10_000 });
    const { id } = await store.uploads.create(at);
    now += 9_000;
    await store.uploads.append(id, 0, bytesOf("abc"));
    now += 9_999;
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
    now += 1;
    expect((await store.uploads.list({ limit: 1 })).data).toMatchObject([{ id, status: "expired" }]);
    await expect(store.uploads.append(id, 3, bytesOf("d"))).rejects.toMatchObject({ code: "session_expired" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "expired" });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "session_expired" });
    expect(engines.blobs.segments.size).toBe(0);
  });

  it("is not ended by a process that saw it expire while another's bytes moved its time on", async () => {
    let now = 1_000_000;
    const engines = createMemoryEngines();
    const options = { now: () => now, sessionTtlMs: 10_000 };
    const appender = storeOn(engines, options);
    const { id } = await appender.uploads.create(at);
    await appender.uploads.append(id, 0, bytesOf("abc"));
    now += 9_000;
    let isOver = false;
    const replace: typeof engines.metadata.replace = async (key, ...change) => {
      // The other process's append comes between this one's read of the expired row and its change.
      if (!isOver && key.startsWith("session:")) {
        isOver = true;
        now -= 2_000;
        await appender.uploads.append(id, 3, bytesOf("def"));
        now += 2_000;
      }
      return engines.metadata.replace(key, ...change);
    };
    now += 2_000;
    const other = storeOn({ metadata: { ...engines.metadata, replace }, blobs: engines.blobs }, options);
    expect(await other.uploads.get(id)).toMatchObject({ status: "open", offset: 6 });
    expect(await appender.uploads.complete(id)).toMatchObject({ status: "complete" });
    expect(await textOf(appender, "b", "k.txt")).toBe("abcdef");
  });

  it("is found again by bucket and key, page by page", async () => {
    const { store } = open();
    const ids = new Set<string>();
    for (let n = 0; n < 5; n += 1) ids.add((await store.uploads.create(at)).id);
    await store.uploads.create({ bucket: "b", key: "k.txt.old" });
    await store.uploads.create({ bucket: "bb", key: "k.txt" });
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.uploads.list({ ...at, cursor, limit: 2 });
      found.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(found).toHaveLength(5);
    expect(new Set(found)).toEqual(ids);
    expect((await store.uploads.list({ bucket: "b", limit: 100 })).data).toHaveLength(6);
    expect((await store.uploads.list({ limit: 100 })).data).toHaveLength(7);
    await expect(store.uploads.list({ key: "k", limit: 1 })).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("an append", () => {
  it("checks the chunk's own digest first and keeps nothing of a wrong one", async () => {
    const { store } = open();
    const { id } = await store.uploads.create(at);
    const wrong = store.uploads.append(id, 99, bytesOf("abc"), { sha256: sha256("abd") });
    await expect(wrong).rejects.toMatchObject({ code: "checksum_mismatch", details: { actual: sha256("abc") } });
    expect(await store.uploads.append(id, 0, bytesOf("abc"), { sha256: sha256("abc") })).toMatchObject({ offset: 3 });
  });

  it("says when it reads its bytes no more: not before it had its turn", async () => {
    const { store } = open();
    const { id } = await store.uploads.create(at);
    const events: string[] = [];
    const append = (offset: number, text: string) =>
      store.uploads
        .append(id, offset, bytesOf(text), { onDone: () => void events.push(`${text} read`) })
        .then(({ offset }) => events.push(`${text} at ${offset}`))
        .catch(({ code }) => events.push(`${text} ${code}`));
    await Promise.all([append(0, "abc"), append(99, "gap"), append(3, "def"), append(0, "abc")]);
    expect(events.filter((event) => event.endsWith("read"))).toEqual(["abc read", "gap read", "def read", "abc read"]);
    for (const end of ["abc at 3", "gap offset_conflict", "def at 6"]) {
      expect(events.indexOf(end)).toBeGreaterThan(events.indexOf(`${end.slice(0, 3)} read`));
    }
  });

  it("accepts a replay, with more behind it, and refuses other bytes", async () => {
    const { store } = open();
    const { id } = await store.uploads.create(at);
    await store.uploads.append(id, 0, bytesOf("abcdef"));
    expect(await store.uploads.append(id, 2, bytesOf("cd"))).toMatchObject({ offset: 6 });
    expect(await store.uploads.append(id, 4, bytesOf("efgh"))).toMatchObject({ offset: 8 });
    const other = store.uploads.append(id, 4, bytesOf("eXghij"));
    await expect(other).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 8 } });
    await store.uploads.complete(id);
    expect(await textOf(store, "b", "k.txt")).toBe("abcdefgh");
  });

  it("of bytes that were uploaded answers with the artifact after completion", async () => {
    const { store } = open();
    const { id } = await store.uploads.create({ ...at, size: 4 });
    const done = await store.uploads.append(id, 0, bytesOf("abcd"));
    expect(await store.uploads.append(id, 2, bytesOf("cd"))).toEqual(done);
    expect(await store.uploads.append(id, 4, bytesOf(""))).toEqual(done);
    await expect(store.uploads.append(id, 2, bytesOf("cX"))).rejects.toMatchObject({ code: "offset_conflict" });
    await expect(store.uploads.append(id, 4, bytesOf("e"))).rejects.toMatchObject({ code: "size_exceeded" });
    await store.artifacts.delete("b", "k.txt");
    await expect(store.uploads.append(id, 0, bytesOf("ab"))).rejects.toMatchObject({ code: "session_closed" });
  });

  it("refuses what is larger than a chunk or an artifact may be", async () => {
    const { store } = open({ maxChunkBytes: 4, maxArtifactBytes: 6 });
    await expect(store.uploads.create({ ...at, size: 7 })).rejects.toMatchObject({ code: "too_large" });
    const { id } = await store.uploads.create(at);
    await expect(store.uploads.append(id, 0, bytesOf("abcde"))).rejects.toMatchObject({ code: "too_large" });
    await store.uploads.append(id, 0, bytesOf("abcd"));
    await expect(store.uploads.append(id, 4, bytesOf("efg"))).rejects.toMatchObject({ code: "too_large" });
    expect(await store.uploads.append(id, 4, bytesOf("ef"))).toMatchObject({ offset: 6 });
  });
});

describe("a digest given at creation", () => {
  it("that does not match publishes nothing and sets the session back", async () => {
    const { store, engines } = open();
    const { id } = await store.uploads.create({ ...at, size: 3, sha256: sha256("abc") });
    const wrong = store.uploads.append(id, 0, bytesOf("abX"));
    const details = { expected: sha256("abc"), actual: sha256("abX"), offset: 0 };
    await expect(wrong).rejects.toMatchObject({ code: "checksum_mismatch", details });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 0 });
    expect(engines.blobs.segments.size).toBe(0);
    expect(await store.uploads.append(id, 0, bytesOf("abc"))).toMatchObject({ status: "complete" });
  });

  it("of an empty content is checked before a session is made", async () => {
    const { store } = open();
    const wrong = store.uploads.create({ ...at, size: 0, sha256: sha256("a") });
    await expect(wrong).rejects.toMatchObject({ code: "checksum_mismatch" });
    expect((await store.uploads.list({ limit: 1 })).data).toEqual([]);
  });
});

describe("complete()", () => {
  it("says how much is missing of a sized upload", async () => {
    const { store } = open();
    const { id } = await store.uploads.create({ ...at, size: 3 });
    await store.uploads.append(id, 0, bytesOf("ab"));
    const early = store.uploads.complete(id);
    await expect(early).rejects.toMatchObject({ code: "incomplete", details: { offset: 2, size: 3 } });
  });

  it("keeps the bytes where its own digest does not match", async () => {
    const { store } = open();
    const { id } = await store.uploads.create(at);
    await store.uploads.append(id, 0, bytesOf("abc"));
    const wrong = store.uploads.complete(id, { sha256: sha256("x") });
    await expect(wrong).rejects.toMatchObject({ code: "checksum_mismatch" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 3 });
    expect(await store.uploads.append(id, 3, bytesOf("d"))).toMatchObject({ offset: 4 });
    expect(await store.uploads.complete(id, { sha256: sha256("abcd") })).toMatchObject({ status: "complete" });
    const late = store.uploads.complete(id, { sha256: sha256("x") });
    await expect(late).rejects.toMatchObject({ code: "checksum_mismatch" });
  });

  it("under an unmet if_version holds the bytes until it is given another", async () => {
    const { store } = open();
    await saveText(store, "b", "k.txt", "there");
    const { id } = await store.uploads.create({ ...at, if_version: 0, size: 3 });
    const conflict = { code: "version_conflict", details: { session_id: id, if_version: 0, version: 1 } };
    await expect(store.uploads.append(id, 0, bytesOf("abc"))).rejects.toMatchObject(conflict);
    expect(await store.uploads.get(id)).toMatchObject({ status: "held", offset: 3 });
    await expect(store.uploads.append(id, 1, bytesOf("bc"))).rejects.toMatchObject(conflict);
    await expect(store.uploads.complete(id)).rejects.toMatchObject(conflict);
    await expect(store.uploads.complete(id, { if_version: 7 })).rejects.toMatchObject({ code: "version_conflict" });
    const done = await store.uploads.complete(id, { if_version: 1 });
    expect(done).toMatchObject({ status: "complete", artifact: { version: 2 } });
    expect(await textOf(store, "b", "k.txt")).toBe("abc");
  });

  it("of the content that the newest version has makes none, whatever if_version says", async () => {
    const { store, engines } = open();
    const saved = await saveText(store, "b", "k.txt", "abc");
    const { id } = await store.uploads.create({ ...at, if_version: 0, size: 3, mime_type: "text/plain" });
    const done = await store.uploads.append(id, 0, bytesOf("abc"));
    expect(done.artifact).toEqual(saved);
    expect(engines.blobs.blobs.size).toBe(1);
    expect(engines.blobs.segments.size).toBe(0);
    expect(await store.uploads.append(id, 1, bytesOf("bc"))).toEqual(done);
  });
});

describe("abort()", () => {
  it("frees the bytes, can be asked twice, and ends the session for every other call", async () => {
    const { store, engines } = open();
    const { id } = await store.uploads.create({ ...at, size: 3 });
    await store.uploads.append(id, 0, bytesOf("ab"));
    const aborted = await store.uploads.abort(id);
    expect(aborted).toMatchObject({ status: "aborted" });
    expect(await store.uploads.abort(id)).toEqual(aborted);
    expect(engines.blobs.segments.size).toBe(0);
    await expect(store.uploads.append(id, 2, bytesOf("c"))).rejects.toMatchObject({ code: "session_closed" });
    await expect(store.uploads.complete(id)).rejects.toMatchObject({ code: "session_closed" });
    await expect(store.artifacts.get("b", "k.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("gives up the reserve on a full disk, and takes it again", async () => {
    const engines = createMemoryEngines();
    const { id } = await storeOn(engines).uploads.create(at);
    const steps: string[] = [];
    const replace: typeof engines.metadata.replace = async (...change) => {
      if (!steps.includes("released")) throw new ArtifactError("storage_full", "full");
      return engines.metadata.replace(...change);
    };
    const blobs = {
      ...engines.blobs,
      releaseReserve: async () => steps.push("released") > 0,
      restoreReserve: async () => void steps.push("restored"),
    };
    const full = storeOn({ metadata: { ...engines.metadata, replace }, blobs });
    expect(await full.uploads.abort(id)).toMatchObject({ status: "aborted" });
    expect(steps).toEqual(["released", "restored"]);
  });

  it("takes a held upload's blob back, and leaves a complete one alone", async () => {
    const { store, engines } = open();
    await saveText(store, "b", "k.txt", "there");
    const { id } = await store.uploads.create({ ...at, if_version: 0, size: 3 });
    await expect(store.uploads.append(id, 0, bytesOf("abc"))).rejects.toMatchObject({ code: "version_conflict" });
    expect(engines.blobs.blobs.size).toBe(2);
    await store.uploads.abort(id);
    expect(engines.blobs.blobs.size).toBe(1);
    const other = await store.uploads.create({ ...at, size: 0 });
    await expect(store.uploads.abort(other.id)).rejects.toMatchObject({ code: "session_closed" });
  });
});

describe("an unknown session", () => {
  it.each(["", "nope", "x".repeat(10_000), "a:b", "\0"])("is session_not_found: %j", async (id) => {
    const { store } = open();
    const code = { code: "session_not_found" };
    await expect(store.uploads.get(id)).rejects.toMatchObject(code);
    await expect(store.uploads.append(id, 0, bytesOf("a"))).rejects.toMatchObject(code);
    await expect(store.uploads.complete(id)).rejects.toMatchObject(code);
    await expect(store.uploads.abort(id)).rejects.toMatchObject(code);
  });
});
