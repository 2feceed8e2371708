import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import { FileTransfer } from "../../../src/store/transfer/file-transfer.js";
import { expectNothingLeft } from "../../support/invariants.js";
import { createMemoryFiles } from "../../support/memory-files.js";
import { pieceKinds } from "../../support/piece-kinds.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const allowed = ["/data"];
let engines: MemoryEngines;
let files: ReturnType<typeof createMemoryFiles>;
let store: Store;

function openStore(options: Partial<StoreOptions> = {}): Store {
  return storeOn(engines, { files, maxChunkBytes: 10, ...options });
}

beforeEach(() => {
  engines = createMemoryEngines();
  files = createMemoryFiles();
  store = openStore();
});

function writeFile(path: string, bytes: Buffer): void {
  const file = files.files.get(path);
  if (file === undefined) files.files.set(path, { bytes, change: 0 });
  else Object.assign(file, { bytes, change: file.change + 1 });
}
const contentOf = async (key: string): Promise<Buffer> => {
  const content = await store.artifacts.open("b", key);
  return Buffer.from(await content.read(0, content.artifact.bytes));
};

describe.each(pieceKinds)("importFile() with bytes $where", ({ pieceLimits }) => {
  const open = (options: Partial<StoreOptions> = {}): Store => openStore({ pieceLimits, ...options });
  beforeEach(() => {
    store = open();
  });

  it.each([0, 1, 9, 10, 11, 95])("uploads a file of %i bytes in blocks, and publishes it", async (size) => {
    const bytes = randomBytes(size);
    writeFile("/data/f.csv", bytes);
    const seen: number[] = [];
    const onProgress = (done: number, total: number): void => void seen.push(done / Math.max(total, 1));
    const about = { path: "/data/f.csv", bucket: "b", key: "f.csv", metadata: { by: "me" } };
    const session = await store.transfer.importFile(about, { allowed, onProgress });
    expect(session).toMatchObject({ status: "complete", artifact: { bytes: size, mime_type: "text/csv", version: 1 } });
    expect(session.artifact?.metadata).toEqual({ by: "me" });
    expect(await contentOf("f.csv")).toEqual(bytes);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen).toHaveLength(Math.max(1, Math.ceil(size / 10)));
    expectNothingLeft(engines);
  });

  it("continues its session after a failure, and compares the bytes that are stored", async () => {
    const bytes = randomBytes(55);
    writeFile("/data/f", bytes);
    const stopping = new AbortController();
    let id = "";
    const onProgress = (done: number, _: number, session = ""): void => {
      id = session;
      if (done === 30) stopping.abort();
    };
    const about = { path: "/data/f", bucket: "b", key: "f" };
    const broken = store.transfer.importFile(about, { allowed, onProgress, signal: stopping.signal });
    await expect(broken).rejects.toMatchObject({ name: "AbortError" });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 30, size: 55 });

    const other = Buffer.from(bytes);
    other[12] = (other[12] ?? 0) ^ 1;
    writeFile("/data/other", other);
    const wrong = store.transfer.importFile({ path: "/data/other", session_id: id }, { allowed });
    await expect(wrong).rejects.toMatchObject({
      code: "offset_conflict",
      message: expect.stringMatching(/differ between bytes 10 and 20/),
      next: "import_same_file",
      details: { offset: 30, session_id: id, path: "/data/other" },
    });

    const done = await open().transfer.importFile({ path: "/data/f", session_id: id }, { allowed });
    expect(done).toMatchObject({ id, status: "complete", artifact: { bytes: 55 } });
    expect(await contentOf("f")).toEqual(bytes);
    const again = await store.transfer.importFile({ path: "/data/f", session_id: id }, { allowed });
    expect(again).toEqual(done);
  });

  it("appends a block again if a long publication kept it from being stored", async () => {
    writeFile("/data/f", randomBytes(25));
    const appended: number[] = [];
    const uploads = {
      create: async () => ({ id: "s" }),
      append: async (_id: string, at: number, bytes: Uint8Array) => {
        const isFirstTry = appended.at(-1) !== at;
        appended.push(at);
        const offset = isFirstTry ? at : at + bytes.length;
        return { offset, status: offset === 25 ? "complete" : "open" };
      },
    } as unknown as Store["uploads"];
    const transfer = new FileTransfer({ files, uploads, artifacts: store.artifacts, maxChunkBytes: 10 });
    const done = await transfer.importFile({ path: "/data/f", bucket: "b", key: "k" }, { allowed });
    expect(done).toMatchObject({ status: "complete" });
    expect(appended).toEqual([0, 0, 10, 10, 20, 20]);
  });

  it("continues any upload, and completes one without a size", async () => {
    writeFile("/data/f", bytesOf("typed by hand, then imported"));
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("typed by"));
    const done = await store.transfer.importFile({ path: "/data/f", session_id: id }, { allowed });
    expect(done).toMatchObject({ status: "complete" });
    expect(await textOf(store, "b", "k")).toBe("typed by hand, then imported");
  });

  it("refuses a file of the wrong length before it reads the file", async () => {
    writeFile("/data/f", bytesOf("12345"));
    const sized = await store.uploads.create({ bucket: "b", key: "k", size: 6 });
    const wrongSize = store.transfer.importFile({ path: "/data/f", session_id: sized.id }, { allowed });
    await expect(wrongSize).rejects.toMatchObject({ code: "invalid_argument", details: { size: 6, bytes: 5 } });
    const { id } = await store.uploads.create({ bucket: "b", key: "k" });
    await store.uploads.append(id, 0, bytesOf("123456"));
    const tooShort = store.transfer.importFile({ path: "/data/f", session_id: id }, { allowed });
    await expect(tooShort).rejects.toMatchObject({ code: "offset_conflict", details: { offset: 6, bytes: 5 } });
    await store.uploads.abort(id);
    const closed = store.transfer.importFile({ path: "/data/f", session_id: id }, { allowed });
    await expect(closed).rejects.toMatchObject({ code: "session_closed" });
  });

  it.each([
    [{ bucket: "b" }, "key"],
    [{ key: "k" }, "bucket"],
    [{}, "bucket"],
    [{ session_id: "s", bucket: "b" }, "bucket"],
    [{ session_id: "s", mime_type: "text/csv" }, "mime_type"],
    [{ session_id: "s", if_version: 0 }, "if_version"],
    [{ session_id: "s", expires_in: 3_600 }, "expires_in"],
  ])("refuses %j, naming %s", async (args, argument) => {
    writeFile("/data/f", bytesOf("12345"));
    const refused = store.transfer.importFile({ path: "/data/f", ...args }, { allowed });
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { argument } });
    expect(engines.metadata.rows.size).toBe(0);
  });

  it("publishes nothing if the file changes while it is read, however it changes", async () => {
    for (const change of [
      (bytes: Buffer) => Buffer.concat([bytes, bytesOf("more")]),
      (bytes: Buffer) => bytes.subarray(0, 15),
      (bytes: Buffer) => Buffer.from(bytes).fill(0),
    ]) {
      writeFile("/data/f", randomBytes(35));
      const onProgress = (done: number): void => {
        if (done === 20) writeFile("/data/f", change(files.files.get("/data/f")?.bytes ?? Buffer.alloc(0)));
      };
      const torn = store.transfer.importFile({ path: "/data/f", bucket: "b", key: "k" }, { allowed, onProgress });
      await expect(torn).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("changed"),
        next: "import_again",
      });
    }
    await expect(store.artifacts.get("b", "k")).rejects.toMatchObject({ code: "artifact_not_found" });
    expectNothingLeft(engines);

    const { id } = await store.uploads.create({ bucket: "b", key: "k", size: 35 });
    writeFile("/data/f", randomBytes(35));
    const onProgress = (): void => writeFile("/data/f", randomBytes(35));
    const torn = store.transfer.importFile({ path: "/data/f", session_id: id }, { allowed, onProgress });
    await expect(torn).rejects.toMatchObject({
      details: { session_id: id },
      message: expect.stringContaining("changed"),
      next: "abort_and_import",
    });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 30 });
  });

  it("says how to continue if the store fails in the middle, and can be continued", async () => {
    writeFile("/data/f", randomBytes(35));
    const limited = open({ maxUnfinishedBytes: 40 });
    const { id: other } = await limited.uploads.create({ bucket: "b", key: "other" });
    const onProgress = async (done: number): Promise<void> => {
      if (done === 20) await limited.uploads.append(other, 0, bytesOf("123456789"));
    };
    const failed = limited.transfer.importFile(
      { path: "/data/f", bucket: "b", key: "k" },
      { allowed, onProgress: (done) => void onProgress(done) },
    );
    const error = await failed.catch((reason) => reason);
    expect(error).toMatchObject({ code: "storage_full", next: "resume_import" });
    expect(error.details.session_id).toEqual(expect.any(String));
    await limited.uploads.abort(other);
    const again = { path: "/data/f", session_id: error.details.session_id };
    expect(await limited.transfer.importFile(again, { allowed })).toMatchObject({ status: "complete" });
  });

  it("accepts if_version, and keeps an upload that does not meet it as a conflict", async () => {
    await saveText(store, "b", "k", "there");
    writeFile("/data/f", bytesOf("new"));
    const about = { path: "/data/f", bucket: "b", key: "k", if_version: 0 };
    await expect(store.transfer.importFile(about, { allowed })).rejects.toMatchObject({ code: "version_conflict" });
    expect((await store.uploads.list({ all: true, limit: 9 })).data).toMatchObject([{ status: "conflict", offset: 3 }]);
    expect(await store.transfer.importFile({ ...about, if_version: 1 }, { allowed })).toMatchObject({
      artifact: { version: 2 },
    });
  });
});

describe("exportFile()", () => {
  it("writes content and returns the path, the bytes and the digest", async () => {
    const text = "x".repeat(2_500_000);
    await storeOn(engines).artifacts.save({
      bucket: "b",
      key: "k",
      bytes: bytesOf(text),
      defaultMimeType: "text/plain",
    });
    const seen: number[] = [];
    const onProgress = (done: number): void => void seen.push(done);
    const wanted = { bucket: "b", key: "k", path: "/data/out", overwrite: false };
    const answer = await store.transfer.exportFile(wanted, { allowed, onProgress });
    const { bytes, sha256 } = await store.artifacts.get("b", "k");
    expect(answer).toEqual({ path: "/data/out", bytes, sha256 });
    expect(files.files.get("/data/out")?.bytes.toString()).toBe(text);
    expect(seen.at(-1)).toBe(bytes);
    await expect(store.transfer.exportFile(wanted, { allowed })).rejects.toMatchObject({ code: "invalid_argument" });
    await store.transfer.exportFile({ ...wanted, overwrite: true }, { allowed });
  });

  it("leaves no file if the content is damaged or the export is cancelled", async () => {
    const bytes = randomBytes(2_500_000);
    await storeOn(engines).artifacts.save({ bucket: "b", key: "k", bytes, defaultMimeType: "text/plain" });
    const stopping = new AbortController();
    const wanted = { bucket: "b", key: "k", path: "/data/out", overwrite: false };
    const onProgress = (): void => stopping.abort();
    const cancelled = store.transfer.exportFile(wanted, { allowed, onProgress, signal: stopping.signal });
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    for (const file of engines.content.files.values()) {
      file.bytes = Buffer.from(file.bytes);
      file.bytes[2_000_000] = (file.bytes[2_000_000] ?? 0) ^ 1;
    }
    const damaged = store.transfer.exportFile(wanted, { allowed });
    await expect(damaged).rejects.toMatchObject({ code: "corrupt", details: { key: "k", version: 1 } });
    expect(files.files.size).toBe(0);
  });
});
