import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { Store, StoreOptions } from "../../../src/store/store.js";
import type { ImportFile } from "../../../src/store/transfer/file-import.js";
import type { FolderProgress } from "../../../src/store/transfer/transfer-options.js";
import { expectNothingLeft } from "../../support/invariants.js";
import { createMemoryFiles } from "../../support/memory-files.js";
import { bytesOf, createMemoryEngines, type MemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

const allowed = ["/data"];
let engines: MemoryEngines;
let files: ReturnType<typeof createMemoryFiles>;
let store: Store;

/** With chunks of 10 bytes, a file of 11 bytes is large: it becomes an upload. */
const openStore = (options: Partial<StoreOptions> = {}): Store =>
  storeOn(engines, { files, maxChunkBytes: 10, ...options });

beforeEach(() => {
  engines = createMemoryEngines();
  files = createMemoryFiles();
  store = openStore();
});

function writeFile(path: string, content: string | Buffer): void {
  const bytes = Buffer.from(content);
  const file = files.files.get(path);
  if (file === undefined) files.files.set(path, { bytes, change: 0 });
  else Object.assign(file, { bytes, change: file.change + 1 });
}

const run = { path: "/data/run", bucket: "b", key: "runs/1" } satisfies ImportFile;
const importRun = (more: Partial<ImportFile> = {}, options = {}) =>
  store.transfer.importFolder({ ...run, ...more }, { allowed, ...options });
const keysIn = async (bucket: string): Promise<string[]> =>
  (await store.artifacts.list({ bucket, limit: 100 })).data.map(({ key }) => key);
const noArtifacts = () => expect(engines.metadata.rows.size).toBe(0);

describe("importFolder()", () => {
  it("saves each file under the key and its path, small ones in one call and large ones as uploads", async () => {
    const large = randomBytes(35).toString("hex");
    writeFile("/data/run/a.csv", "1,2");
    writeFile("/data/run/sub/.hidden", "");
    writeFile("/data/run/sub/large.bin", large);
    files.skipped.push({ name: "pipe", kind: "a FIFO" });
    const seen: FolderProgress[] = [];
    const onProgress = (progress: FolderProgress): void => void seen.push(progress);
    const answer = await importRun({ metadata: { by: "me" }, saved_by: "test" }, { onProgress });
    expect(answer).toEqual({
      path: "/data/run",
      bucket: "b",
      prefix: "runs/1",
      files: 3,
      bytes: 73,
      saved: 3,
      already_saved: 0,
      skipped: [{ name: "pipe", kind: "a FIFO" }],
      manifest: [
        { key: "runs/1/a.csv", version: 1, bytes: 3, sha256: expect.any(String) },
        { key: "runs/1/sub/.hidden", version: 1, bytes: 0, sha256: expect.any(String) },
        { key: "runs/1/sub/large.bin", version: 1, bytes: 70, sha256: expect.any(String) },
      ],
    });
    expect(await textOf(store, "b", "runs/1/sub/large.bin")).toBe(large);
    const about = { mime_type: "text/csv", metadata: { by: "me" }, saved_by: "test" };
    expect(await store.artifacts.get("b", "runs/1/a.csv")).toMatchObject(about);
    expect(seen.at(-1)).toEqual({ files: 3, totalFiles: 3, bytes: 73, totalBytes: 73 });
    const done = seen.map(({ files, bytes }) => files + bytes);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expectNothingLeft(engines);
  });

  it.each([
    [undefined, "a"],
    ["/", "a"],
    ["x/", "x/a"],
    ["cafe\u0301", "caf\u00e9/a"],
  ])("takes key %j as the folder of the keys: %s", async (key, expected) => {
    writeFile("/data/run/a", "1");
    await store.transfer.importFolder({ ...run, key }, { allowed });
    expect(await keysIn("b")).toEqual([expected]);
  });

  it("answers undefined for a file, so that the caller imports it as one", async () => {
    writeFile("/data/run", "x");
    expect(await importRun({ session_id: "s" })).toBeUndefined();
    noArtifacts();
  });

  it("tells which files were saved already, also those that were uploads", async () => {
    for (const name of ["a", "b", "large of more than ten bytes"]) writeFile(`/data/run/${name}`, name);
    await importRun();
    writeFile("/data/run/b", "other");
    const again = await importRun();
    expect(again).toMatchObject({ files: 3, saved: 1, already_saved: 2 });
    expect(again?.manifest.map(({ version, already_saved }) => [version, already_saved])).toEqual([
      [1, true],
      [2, undefined],
      [1, true],
    ]);
  });

  it("checks all names before it saves anything, and lists the first ten that cannot be keys", async () => {
    writeFile("/data/run/good", "1");
    for (let n = 10; n < 22; n += 1) writeFile(`/data/run/bad\\${n}`, "1");
    const refused = await importRun().catch((error) => error);
    expect(refused).toMatchObject({ code: "invalid_argument", details: { argument: "path" } });
    expect(refused.message).toMatch(/^12 names in this folder cannot become keys, and nothing was saved\. Rename/);
    expect(refused.message).toMatch(/bad\\\\19.*\nand 2 more$/);
    expect(refused.message).not.toContain("20");
    noArtifacts();
  });

  it.each([[["e\u0301", "\u00e9"]], [["x/e\u0301/1", "x/\u00e9/2"]], [["e\u0301", "\u00e9/below"]]])(
    "refuses two names that become one key: %j",
    async (names) => {
      for (const name of names) writeFile(`/data/run/${name}`, "1");
      await expect(importRun()).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringMatching(/^1 name in this folder .*another spelling/s),
      });
      noArtifacts();
    },
  );

  it("refuses a name that is not UTF-8, and a key that is too long", async () => {
    writeFile("/data/run/a", "1");
    const listed = {
      path: "/data/run",
      skipped: [],
      files: [{ name: "\ufffd", bytes: 1, problem: "its name is not UTF-8" }],
    };
    const list = files.list;
    files.list = async () => listed;
    await expect(importRun()).rejects.toThrow(/: its name is not UTF-8\.$/);
    files.list = list;
    await expect(importRun({ key: "k".repeat(1_023) })).rejects.toThrow(/1025 bytes/);
    noArtifacts();
  });

  it.each<[Partial<ImportFile>, string]>([
    [{ mime_type: "text/csv" }, "mime_type"],
    [{ if_version: 0 }, "if_version"],
    [{ session_id: "s" }, "session_id"],
    [{ bucket: "no bucket" }, "bucket"],
    [{ bucket: undefined }, "bucket"],
    [{ key: "../x" }, "key"],
    [{ metadata: { a: "x".repeat(3_000) } }, "metadata"],
  ])("refuses %j for a folder, naming %s, before it saves anything", async (args, argument) => {
    writeFile("/data/run/a", "1");
    await expect(importRun(args)).rejects.toMatchObject({ code: "invalid_argument", details: { argument } });
    noArtifacts();
  });

  it("stops at a file that fails, says which and how many are saved, and goes on with the same call", async () => {
    const names = Array.from({ length: 30 }, (_, n) => `f${String(n).padStart(2, "0")}`);
    for (const name of names) writeFile(`/data/run/${name}`, name);
    const open = files.open;
    files.open = async (path, ...rest) => {
      const file = await open(path, ...rest);
      return path.endsWith("f20") ? { ...file, isUnchanged: async () => false } : file;
    };
    const failed = await importRun().catch((error) => error);
    const saved = (await keysIn("b")).length;
    expect(saved).toBeGreaterThanOrEqual(20);
    expect(saved).toBeLessThan(29); // at most eight were in work at once
    expect(failed).toMatchObject({ code: "invalid_argument", next: "import_again" });
    expect(failed.message).toContain(`changed while it was read, and was not saved. This stopped the import at "f20".`);
    expect(failed.details).toMatchObject({ file: "f20", saved, files: 30 });
    files.open = open;
    expect(await importRun()).toMatchObject({ files: 30, saved: 30 - saved, already_saved: saved });
  });

  it("continues the upload of a large file that broke off, and begins it again if the file is another", async () => {
    const large = randomBytes(55);
    writeFile("/data/run/large", large);
    writeFile("/data/run/small", "s");
    const stopping = new AbortController();
    const stopAt = (bytes: number) => (progress: FolderProgress) => {
      if (progress.bytes === bytes) stopping.abort();
    };
    const cancelled = importRun({}, { signal: stopping.signal, onProgress: stopAt(31) });
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    expect(await keysIn("b")).toEqual(["runs/1/small"]);
    const sessions = async () => (await store.uploads.list({ bucket: "b", key: "runs/1/large", limit: 9 })).data;
    const [begun] = await sessions();
    expect(begun).toMatchObject({ status: "open", offset: 30, size: 55 });

    store = openStore(); // another process
    expect(await importRun()).toMatchObject({ saved: 1, already_saved: 1, bytes: 56 });
    expect(await store.uploads.get(begun?.id ?? "")).toMatchObject({ status: "complete", artifact: { bytes: 55 } });

    const other = await store.uploads.create({ bucket: "b", key: "runs/1/large", size: 55 });
    await store.uploads.append(other.id, 0, bytesOf("not this"));
    writeFile("/data/run/large", randomBytes(55));
    expect(await importRun()).toMatchObject({ saved: 1, already_saved: 1 });
    expect(await store.uploads.get(other.id)).toMatchObject({ status: "open", offset: 8 });
  });

  it.each([
    [{ metadata: { other: "metadata" } }],
    [{ mime_type: "text/csv" }],
    [{ if_version: 0 }],
    [{ size: 56 }],
    [{ expires_in: 3_600 }],
  ])("does not continue an upload that would publish another artifact: %j", async (more) => {
    const large = randomBytes(55);
    writeFile("/data/run/large", large);
    const { id } = await store.uploads.create({ bucket: "b", key: "runs/1/large", size: 55, ...more });
    await store.uploads.append(id, 0, large.subarray(0, 10));
    expect(await importRun()).toMatchObject({ saved: 1 });
    expect(await store.uploads.get(id)).toMatchObject({ status: "open", offset: 10 });
  });

  it("gives all files the same time to expire, also one whose upload broke off", async () => {
    const start = 1_800_000_000;
    store = openStore({ now: () => start * 1_000 });
    writeFile("/data/run/small", "s");
    const large = randomBytes(55);
    writeFile("/data/run/large", large);
    const begun = { bucket: "b", key: "runs/1/large", size: 55, expires_in: 3_600 };
    const { id } = await store.uploads.create(begun);
    await store.uploads.append(id, 0, large.subarray(0, 10));
    await importRun({ expires_in: 3_600 });
    expect(await store.uploads.get(id)).toMatchObject({ status: "complete" });
    for (const name of ["small", "large"]) {
      expect(await store.artifacts.get("b", `runs/1/${name}`)).toMatchObject({ expires_at: start + 3_600 });
    }
    await expect(importRun({ expires_in: 1 })).rejects.toMatchObject({ details: { argument: "expires_in" } });
  });

  it("continues no upload whose announced digest is of another content", async () => {
    const large = randomBytes(55);
    writeFile("/data/run/large", large);
    const { id } = await store.uploads.create({ bucket: "b", key: "runs/1/large", size: 55, sha256: "0".repeat(64) });
    await store.uploads.append(id, 0, large.subarray(0, 10));
    expect(await importRun()).toMatchObject({ saved: 1 });
  });

  it("says what the store lacks if it is full, not how to continue one session", async () => {
    writeFile("/data/run/large", randomBytes(55));
    store = openStore({ maxUnfinishedBytes: 20 });
    await expect(importRun()).rejects.toMatchObject({
      code: "storage_full",
      next: "raise_unfinished_quota",
      message: expect.stringMatching(/This stopped the import at "large"\. Files that are saved: 0 of 1\./),
    });
  });
});

describe("exportFolder()", () => {
  const exportTo = (path: string, prefix: string, more = {}, options = {}) =>
    store.transfer.exportFolder({ bucket: "b", prefix, path, overwrite: false, ...more }, { allowed, ...options });
  const written = () => Object.fromEntries([...files.files].map(([path, { bytes }]) => [path, bytes.toString()]));

  beforeEach(async () => {
    for (const key of ["r/a", "r/deep/b", "r2/c", "top"]) await saveText(store, "b", key, key);
    await saveText(store, "b", "r/a", "newest");
  });

  it.each(["r", "r/"])("writes the newest version of each key below %s, and answers a manifest", async (prefix) => {
    const seen: FolderProgress[] = [];
    const onProgress = (progress: FolderProgress): void => void seen.push(progress);
    expect(await exportTo("/data/out", prefix, {}, { onProgress })).toEqual({
      path: "/data/out",
      bucket: "b",
      prefix: "r",
      files: 2,
      bytes: 14,
      manifest: [
        { key: "r/a", version: 2, bytes: 6, sha256: expect.any(String) },
        { key: "r/deep/b", version: 1, bytes: 8, sha256: expect.any(String) },
      ],
    });
    expect(written()).toEqual({ "/data/out/a": "newest", "/data/out/deep/b": "r/deep/b" });
    expect(seen.at(-1)).toEqual({ files: 2, totalFiles: 2, bytes: 14, totalBytes: 14 });
  });

  it("writes a whole bucket for the prefix /, and what an import of the folder saves is the same again", async () => {
    expect(await exportTo("/data/out", "/")).toMatchObject({ prefix: "", files: 4 });
    const back = await store.transfer.importFolder({ path: "/data/out", bucket: "b" }, { allowed });
    expect(back?.manifest.map(({ key }) => key)).toEqual(["r/a", "r/deep/b", "r2/c", "top"]);
  });

  it("makes nothing if nothing is below the prefix, and says so if there is no bucket", async () => {
    expect(await exportTo("/data/out", "top")).toMatchObject({ files: 0, bytes: 0, manifest: [] });
    await expect(exportTo("/data/out", "x", { bucket: "none" })).rejects.toMatchObject({ code: "bucket_not_found" });
    expect(written()).toEqual({});
  });

  it("refuses a key that would be a file and a directory, before anything is written", async () => {
    await saveText(store, "b", "r/a/below", "x");
    const refused = exportTo("/data/out", "r");
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { argument: "prefix" } });
    await expect(refused).rejects.toThrow(/Nothing was written.*\n"a"$/s);
    expect(written()).toEqual({});
  });

  it("replaces files only if it may", async () => {
    writeFile("/data/out/a", "mine");
    await expect(exportTo("/data/out", "r")).rejects.toMatchObject({ code: "invalid_argument" });
    expect(written()).toEqual({ "/data/out/a": "mine" });
    await exportTo("/data/out", "r", { overwrite: true });
    expect(written()).toMatchObject({ "/data/out/a": "newest" });
  });

  it("stops when it is cancelled, and at damaged content, whose file does not appear", async () => {
    const stopping = new AbortController();
    const onProgress = ({ files }: FolderProgress): void => void (files === 1 && stopping.abort());
    for (let n = 0; n < 20; n += 1) await saveText(store, "b", `many/${n}`, String(n));
    const cancelled = exportTo("/data/out", "many", {}, { signal: stopping.signal, onProgress });
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    expect(Object.keys(written()).length).toBeLessThan(8);

    files.files.clear();
    await storeOn(engines).artifacts.save({
      ...{ bucket: "b", key: "r/big", bytes: randomBytes(100_000), defaultMimeType: "text/plain" },
    });
    for (const file of engines.content.files.values()) file.bytes = Buffer.from(file.bytes).fill(0);
    const damaged = await exportTo("/data/out", "r").catch((error) => error);
    expect(damaged).toMatchObject({ code: "corrupt", details: { key: "r/big", written: 2, files: 3 } });
    expect(damaged.message).toContain(
      `This stopped the export at "r/big". Files that are written: 2 of 3, each whole.`,
    );
    expect(Object.keys(written()).sort()).toEqual(["/data/out/a", "/data/out/deep/b"]);
  });
});
