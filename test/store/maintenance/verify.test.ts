import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../../src/store/store.js";
import { mortal } from "../../support/faults.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const day = 24 * 60 * 60;
const now = Math.floor(Date.now() / 1000);
let engines: MemoryEngines;
let store: Store;

beforeEach(() => {
  engines = createMemoryEngines();
  store = storeOn(engines, { now: () => now * 1000 });
});

const isDone = <Value>(work: Promise<Value>): Promise<void> =>
  work.then(
    () => undefined,
    () => undefined,
  );

async function blobOf(key: string, version = 1): Promise<string> {
  const row = JSON.parse(engines.metadata.rows.get(`artifact:b:${key}`) ?? "");
  return row.versions.find((known: { version: number }) => known.version === version).session;
}

function flipABit(file: { bytes: Buffer } | undefined): void {
  if (file === undefined) throw new Error("no such file");
  file.bytes = Buffer.from(file.bytes);
  file.bytes[0] = (file.bytes[0] ?? 0) ^ 1;
}

const faults = async (options = {}) => (await store.verify(options)).faults;

describe("a sound store", () => {
  it("has no faults, and is counted", async () => {
    await saveText(store, "b", "one", "first");
    await saveText(store, "b", "one", "second");
    await saveText(store, "b", "two", "");
    const { id } = await store.uploads.create({ bucket: "b", key: "three" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    const done = await store.uploads.create({ bucket: "b", key: "four" });
    await store.uploads.complete(done.id);
    const report = await store.verify();
    expect(report).toEqual({ artifacts: 3, versions: 4, bytes: 14, unfinished_uploads: 1, faults: [] });
  });

  it("has none either where a process died at any step of its work", async () => {
    await saveText(store, "b", "k", "before");
    for (let step = 1; step < 40; step += 1) {
      const dying = storeOn(mortal(engines, step, false), { now: () => now * 1000, keepVersions: 2 });
      await isDone(saveText(dying, "b", "k", `text ${step}`));
      const { id } = await store.uploads.create({ bucket: "b", key: "k" });
      const uploading = storeOn(mortal(engines, step, true), { now: () => now * 1000, keepVersions: 2 });
      await isDone(uploading.uploads.append(id, 0, bytesOf("abc")).then(() => uploading.uploads.complete(id)));
      await isDone(storeOn(mortal(engines, step, true)).artifacts.delete("b", "k", 1));
      expect(await faults()).toEqual([]);
    }
  });

  it("has none where others work meanwhile", async () => {
    for (let n = 0; n < 30; n += 1) await saveText(store, "b", `k${n}`, "text");
    const metadata = { ...engines.metadata };
    const { range } = metadata;
    let looks = 0;
    metadata.range = async (prefix, options) => {
      const page = await range(prefix, options);
      // Between the rows and the files, things come and go.
      looks += 1;
      await store.artifacts.delete("b", `k${looks}`);
      await saveText(store, "b", `new${looks}`, "text");
      const { id } = await store.uploads.create({ bucket: "b", key: `upload${looks}` });
      await store.uploads.append(id, 0, bytesOf("abc"));
      if (looks % 2 === 0) await store.uploads.complete(id);
      return page;
    };
    const other = storeOn({ metadata, blobs: engines.blobs }, { now: () => now * 1000 });
    expect((await other.verify({ graceMs: 0 })).faults).toEqual([]);
    expect(looks).toBeGreaterThan(2);
  });

  it("tells how far it is", async () => {
    await saveText(store, "b", "one", "12345");
    await saveText(store, "b", "two", "67890");
    const seen: [number, number][] = [];
    await store.verify({ onProgress: (done, total) => void seen.push([done, total]) });
    expect(seen).toEqual([
      [0, 10],
      [5, 10],
      [10, 10],
    ]);
  });
});

describe("damaged content", () => {
  it("is named, whether a bit flipped, or it is cut short, longer or gone", async () => {
    for (const key of ["flipped", "short", "long", "gone"]) await saveText(store, "b", key, "content");
    await saveText(store, "b", "flipped", "a second version");
    const file = async (key: string) => engines.blobs.blobs.get(await blobOf(key));
    flipABit(await file("flipped"));
    Object.assign((await file("short")) ?? {}, { bytes: bytesOf("conten") });
    Object.assign((await file("long")) ?? {}, { bytes: bytesOf("content and more") });
    engines.blobs.blobs.delete(await blobOf("gone"));
    const found = await faults();
    expect(found.map(({ kind, bucket, key, version }) => [kind, bucket, key, version])).toEqual([
      ["corrupt", "b", "flipped", 1],
      ["missing", "b", "gone", 1],
      ["corrupt", "b", "long", 1],
      ["corrupt", "b", "short", 1],
    ]);
    expect(found.map(({ message }) => message).join(" ")).toMatch(/SHA-256.*gone.*past its 7.*after 6 of 7/);
    // Nothing that a row names is removed by a repair.
    const rows = new Map(engines.metadata.rows);
    expect(await faults({ repair: true })).toEqual(found);
    expect(engines.metadata.rows).toEqual(rows);
    await expect(textOf(store, "b", "flipped", 1)).rejects.toMatchObject({
      code: "corrupt",
      details: { key: "flipped", version: 1 },
    });
    await expect(textOf(store, "b", "gone")).rejects.toMatchObject({ code: "corrupt" });
    expect(await textOf(store, "b", "flipped")).toBe("a second version");
  });

  it("of an unfinished upload is named too", async () => {
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    await saveText(store, "b", "held", "there");
    const held = await store.uploads.create({ bucket: "b", key: "held", if_version: 0 });
    await store.uploads.append(held.id, 0, bytesOf("new"));
    await isDone(store.uploads.complete(held.id));
    for (const [path, file] of engines.blobs.segments) {
      if (path.startsWith(id)) file.bytes = bytesOf("ab");
      else flipABit(file);
    }
    const found = await faults();
    expect(found.map(({ kind, session_id }) => [kind, session_id]).sort()).toEqual(
      [
        ["corrupt", id],
        ["corrupt", held.id],
      ].sort(),
    );
    engines.blobs.segments.clear();
    expect((await faults()).map(({ kind }) => kind)).toEqual(["missing", "missing"]);
  });
});

describe("rows", () => {
  it.each([
    ["artifact:b:k", "{"],
    ["artifact:b:k", '{"revision":"r","bucket":"b","key":"other","last":1,"versions":[]}'],
    ["session:1234", '{"id":"5678"}'],
    ["freed:1234", "{}"],
    ["something:else", "{}"],
  ])("that cannot be read are named, and a repair keeps their text: %s", async (row, text) => {
    await saveText(store, "b", "sound", "text");
    engines.metadata.rows.set(row, text);
    expect(await faults()).toMatchObject([{ kind: "corrupt", row, repaired: false }]);
    const kept: string[] = [];
    const blobs = { ...engines.blobs, keepAside: async (_: string, aside: string) => void kept.push(aside) };
    const repairing = storeOn({ metadata: engines.metadata, blobs });
    expect((await repairing.verify({ repair: true })).faults).toMatchObject([{ row, repaired: true }]);
    expect(kept).toEqual([text]);
    expect(await faults()).toEqual([]);
  });

  it("of a version that two keys claim are named", async () => {
    await saveText(store, "b", "one", "text");
    const row = engines.metadata.rows.get("artifact:b:one") ?? "";
    engines.metadata.rows.set("artifact:b:two", row.replace('"key":"one"', '"key":"two"'));
    expect(await faults()).toMatchObject([{ kind: "corrupt", row: "artifact:b:two", bucket: "b", key: "two" }]);
  });

  it("of uploads that no listing shows are listed again", async () => {
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await engines.metadata.drop(`upload:b:k:${id}`);
    expect(await faults()).toMatchObject([{ kind: "unlisted", session_id: id, repaired: false }]);
    expect(await faults({ repair: true })).toMatchObject([{ kind: "unlisted", repaired: true }]);
    expect(await faults()).toEqual([]);
    expect((await store.uploads.list({ limit: 9 })).data).toMatchObject([{ id }]);
  });
});

describe("files that nothing names", () => {
  const stranger = "f".repeat(32);

  async function leaveFiles(): Promise<void> {
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    for (const session of [id, stranger]) {
      const writer = await engines.blobs.createSegment(session, 9);
      await writer.write(bytesOf("left"));
      if (session === stranger) await engines.blobs.install(stranger, writer.name);
    }
  }
  const age = (seconds: number): void => {
    const files = [...engines.blobs.segments.values(), ...engines.blobs.blobs.values()];
    for (const file of files) file.written_at = now - seconds;
  };

  it("are orphans after a day, and set aside by a repair; those of an upload are the sweep's", async () => {
    await leaveFiles();
    expect(await faults()).toEqual([]);
    age(day + 1);
    const paths = (await faults()).map(({ kind, path }) => `${kind} ${path?.replace(/9-\w+$/, "9-")}`);
    expect(paths.sort()).toEqual([`orphan blobs/ff/${stranger}`, `orphan uploads/${stranger}/9-`]);
    expect((await faults({ repair: true })).every(({ repaired }) => repaired)).toBe(true);
    expect(await faults()).toEqual([]);
    expect((await store.uploads.list({ limit: 9 })).data).toMatchObject([{ offset: 3 }]);
    expect(engines.blobs.segments.size).toBe(2);
  });

  it("are no faults where their upload has just ended, however old they are", async () => {
    await saveText(store, "b", "k", "abc");
    const { id } = await store.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain" });
    await store.uploads.append(id, 0, bytesOf("abc"));
    // It is what is there already, and its process dies before it has taken its own blob back.
    const blobs = { ...engines.blobs, removeBlob: () => Promise.reject(new Error("dead")) };
    await isDone(storeOn({ metadata: engines.metadata, blobs }).uploads.complete(id));
    age(8 * day);
    expect(engines.blobs.blobs.size).toBe(2);
    expect(await faults({ repair: true })).toEqual([]);
    const later = storeOn(engines, { now: () => (now + 9 * day) * 1000 });
    await later.sweep.run();
    expect(engines.blobs.blobs.size).toBe(1);
    expect(engines.blobs.segments.size).toBe(0);
  });

  it("are left where they are as long as a row cannot be read, since it may name them", async () => {
    await saveText(store, "b", "k", "text");
    const blob = await blobOf("k");
    const row = engines.metadata.rows.get("artifact:b:k") ?? "";
    engines.metadata.rows.set("artifact:b:k", row.slice(0, -1));
    age(day + 1);
    const found = await faults({ repair: true });
    expect(found).toMatchObject([
      { kind: "corrupt", row: "artifact:b:k", repaired: true },
      { kind: "orphan", path: `blobs/${blob.slice(0, 2)}/${blob}`, repaired: false },
    ]);
    expect(engines.blobs.blobs.has(blob)).toBe(true);
    expect(await faults({ repair: true })).toMatchObject([{ kind: "orphan", repaired: true }]);
  });
});
