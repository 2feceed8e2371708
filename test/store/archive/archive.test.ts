import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { createArchiveFolders, exportClaimFile } from "../../../src/engines/local-files/archive-folder.js";
import { createLocalFiles } from "../../../src/engines/local-files/local-files.js";
import { lookAtTarget } from "../../../src/store/archive/archive-target.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import type { ArchiveFolder } from "../../../src/store/ports/archive-folder.js";
import type { Store } from "../../../src/store/store.js";
import { temporaryDirectory } from "../../support/directories.js";
import { DyingProcess } from "../../support/dying-archive-folder.js";
import { silentLog } from "../../support/silent-log.js";
import { bytesOf, createMemoryEngines, saveText, storeOn, textOf } from "../../support/stores.js";

let place: string;
let store: Store;
let problems: string[];
const onProblem = (name: string, error: ArtifactError): void => void problems.push(`${name}: ${error.message}`);
const forbidden = "/nowhere";

/** A store in memory whose exports go to the real disk. */
function newStore(change = (folder: ArchiveFolder): ArchiveFolder => folder): Store {
  const real = createArchiveFolders({ forbidden, log: silentLog });
  const archiveFolders = { at: (path: string) => change(real.at(path)) };
  return storeOn(createMemoryEngines(), { files: createLocalFiles({ forbidden }), archiveFolders });
}

beforeEach(async () => {
  place = join(await temporaryDirectory(), "export");
  store = newStore();
  problems = [];
});

const exportTo = (path = place, more: object = {}, from = store) =>
  from.archive.export({ path, removesStale: false, ...more }, { onProblem });
const importFrom = (path: string, into: Store) => into.archive.import({ path, saved_by: "test" }, { onProblem });

/** The text of every file, by its name. */
async function filesIn(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries.filter((each) => !each.isDirectory()).map((each) => join(each.parentPath, each.name));
  const read = names.sort().map(async (name) => [name.slice(path.length + 1), await readFile(name, "utf8")] as const);
  return Object.fromEntries(await Promise.all(read));
}

describe("an export", () => {
  it("writes the newest version of each artifact, and a manifest without anything that differs between runs", async () => {
    await saveText(store, "b", "dir/k.txt", "old");
    await saveText(store, "b", "dir/k.txt", "new");
    await saveText(store, "a", "k:.bin", "other");
    await saveText(store, "a", "empty", "");
    expect(await exportTo()).toMatchObject({ artifacts: 3, bytes: 8, failed: 0, removed: 0, foreign: [] });
    const files = await filesIn(place);
    expect(Object.keys(files)).toEqual([
      "a/empty",
      "b/dir/k.txt",
      "manifest.json",
      expect.stringMatching(/^~renamed\/[0-9a-f]{32}-k_\.bin$/),
    ]);
    expect(files["b/dir/k.txt"]).toBe("new");
    const { artifacts } = JSON.parse(files["manifest.json"] ?? "");
    expect(
      artifacts.map(({ bucket, key, version }: { bucket: string; key: string; version: number }) => [
        bucket,
        key,
        version,
      ]),
    ).toEqual([
      ["a", "empty", 1],
      ["a", "k:.bin", 1],
      ["b", "dir/k.txt", 2],
    ]);
    expect(files["manifest.json"]).not.toMatch(/created_at|saved_by|edit|export\/\/|\/tmp/);
  });

  it("takes one bucket, or the keys with one beginning", async () => {
    for (const key of ["x/1", "x/2", "y"]) await saveText(store, "b", key, key);
    await saveText(store, "c", "x/3", "text");
    expect(await exportTo(place, { bucket: "b", prefix: "x" })).toMatchObject({ artifacts: 2 });
    await expect(exportTo(`${place}2`, { bucket: "b", prefix: "z" })).rejects.toMatchObject({
      code: "artifact_not_found",
    });
    await expect(exportTo(`${place}2`, { bucket: "nope" })).rejects.toMatchObject({ code: "bucket_not_found" });
  });

  it("writes an empty manifest for an empty store", async () => {
    expect(await exportTo()).toMatchObject({ artifacts: 0 });
    expect(Object.keys(await filesIn(place))).toEqual(["manifest.json"]);
  });

  it("brings an earlier export up to date, and removes stale files only if it may", async () => {
    await saveText(store, "b", "a", "1");
    await saveText(store, "b", "gone", "2");
    await exportTo();
    await store.artifacts.delete("b", "a");
    await store.artifacts.delete("b", "gone");
    await saveText(store, "b", "a/k", "3"); // where `a` was a file, there must be a directory
    await expect(exportTo()).rejects.toMatchObject({ code: "invalid_argument", details: { stale: 2 } });
    expect(Object.keys(await filesIn(place))).toEqual(["b/a", "b/gone", "manifest.json"]);
    expect(await exportTo(place, { removesStale: true })).toMatchObject({ artifacts: 1, removed: 2 });
    expect(Object.keys(await filesIn(place))).toEqual(["b/a/k", "manifest.json"]);
  });

  it("writes only files whose content differs", async () => {
    const created: string[] = [];
    store = newStore((folder) => ({
      ...folder,
      create(name, overwrite) {
        created.push(name);
        return folder.create(name, overwrite);
      },
    }));
    await saveText(store, "b", "same", "1");
    await saveText(store, "b", "changed", "2");
    await exportTo();
    await saveText(store, "b", "changed", "3");
    created.length = 0;
    await exportTo();
    expect(created).toEqual([".unfinished-export.json", "b/changed", "manifest.json"]);
    await writeFile(join(place, "b/same"), "x"); // somebody has written to it
    await exportTo();
    expect(await filesIn(place)).toMatchObject({ "b/same": "1", "b/changed": "3" });
  });

  it("refuses a directory with other files, and leaves it as it is", async () => {
    await saveText(store, "b", "k", "text");
    for (const [name, text] of [
      ["photo.jpg", "x"],
      ["manifest.json", '{"name":"my web app"}'],
    ] as const) {
      await mkdir(place);
      await writeFile(join(place, name), text);
      await expect(exportTo()).rejects.toMatchObject({
        message: expect.stringContaining("neither empty nor an earlier"),
      });
      expect(await filesIn(place)).toEqual({ [name]: text });
      await rm(place, { recursive: true });
    }
    await writeFile(place, "a file");
    await expect(exportTo()).rejects.toMatchObject({ message: expect.stringContaining("is no directory") });
    await expect(exportTo(join(place, "../no/dir"))).rejects.toMatchObject({
      message: expect.stringContaining("Make it first"),
    });
  });

  it("is refused while another one writes to the directory, and leaves nothing of its claim", async () => {
    await saveText(store, "b", "k", "text");
    const other = createArchiveFolders({ forbidden, log: silentLog }).at(place);
    const claim = await other.claim();
    await expect(exportTo()).rejects.toMatchObject({
      message: expect.stringContaining("Another export is writing to"),
    });
    await claim?.release();
    expect(await readdir(place)).toEqual([]);
    await exportTo();
    expect(Object.keys(await filesIn(place))).toEqual(["b/k", "manifest.json"]);
    await writeFile(join(place, exportClaimFile), ""); // of one that was killed
    expect(await exportTo()).toMatchObject({ artifacts: 1, foreign: [] });
    expect(Object.keys(await filesIn(place))).toEqual(["b/k", "manifest.json"]);
  });

  it("replaces only the export that it may", async () => {
    await exportTo();
    const folder = createArchiveFolders({ forbidden, log: silentLog }).at(place);
    const empty = await lookAtTarget(folder);
    await saveText(store, "b", "k", "text");
    await exportTo(place, { replaces: empty });
    const first = await lookAtTarget(folder);
    await saveText(store, "b", "k", "text 2");
    await exportTo(place, { replaces: first });
    const files = await filesIn(place);
    for (const replaces of [empty, first]) {
      const refused = exportTo(place, { replaces, removesStale: true });
      await expect(refused).rejects.toMatchObject({ message: expect.stringContaining("was written to") });
    }
    expect(await filesIn(place)).toEqual(files);
  });

  it("ends at the first file for which the disk has no room, and says which disk it is", async () => {
    const full = Object.assign(new Error("no room"), { code: "ENOSPC" });
    const disk = new ArtifactError("storage_full", "The disk is full.", { details: { disk: place }, cause: full });
    let created = 0;
    store = newStore((folder) => ({
      ...folder,
      async create(name, overwrite) {
        created += 1;
        if (name.startsWith("b/")) throw disk;
        return folder.create(name, overwrite);
      },
    }));
    for (let n = 0; n < 50; n += 1) await saveText(store, "b", `k${n}`, "text");
    await expect(exportTo()).rejects.toBe(disk);
    expect(problems).toEqual([]);
    expect(created).toBeLessThan(10);
  });

  it("does not go down into the directories of a place that is not of an export", async () => {
    await mkdir(join(place, "deep"), { recursive: true });
    await writeFile(join(place, "photo.jpg"), "x");
    const seen: (readonly string[])[] = [];
    const folder = createArchiveFolders({ forbidden, log: silentLog }).at(place);
    const looked = lookAtTarget({
      ...folder,
      list: (check) =>
        folder.list((names) => {
          seen.push(names);
          check(names);
        }),
    });
    await expect(looked).rejects.toMatchObject({ message: expect.stringContaining('"photo.jpg"') });
    expect(seen).toEqual([["photo.jpg"]]);
  });

  it("never touches foreign files beside an earlier export, and names them", async () => {
    await saveText(store, "b", "k", "text");
    await exportTo();
    await writeFile(join(place, "b", "notes.txt"), "mine");
    await writeFile(join(place, "b", "taken"), "mine too");
    await saveText(store, "b", "taken", "text");
    const again = async () => {
      problems = [];
      const report = await exportTo(place, { removesStale: true });
      expect(report).toMatchObject({ artifacts: 1, failed: 1, foreign: ["b/notes.txt", "b/taken"] });
      expect(problems).toEqual([expect.stringMatching(/^b\/taken: .*exists already/)]);
      const files = await filesIn(place);
      expect(files).toMatchObject({ "b/notes.txt": "mine", "b/taken": "mine too" });
      expect(files).not.toHaveProperty("manifest.json"); // it is not whole
    };
    await again();
    await again(); // what the first one has noted does not make the file its own
    await rm(join(place, "b", "taken"));
    expect(await exportTo()).toMatchObject({ artifacts: 2, failed: 0 });
  });

  it("does not write through a symlink that leads outside", async () => {
    const outside = await temporaryDirectory();
    await saveText(store, "a", "k", "text");
    await saveText(store, "b", "k", "text");
    await exportTo(place, { bucket: "a" });
    await symlink(outside, join(place, "b"));
    expect(await exportTo()).toMatchObject({ artifacts: 1, failed: 1, foreign: ["b"] });
    expect(await readdir(outside)).toEqual([]);
  });

  it("that was killed at any call ends in the same bytes when it is made again", async () => {
    const exportAll = async (path: string, process = new DyingProcess()): Promise<void> => {
      const own = newStore((folder) => process.folder(folder));
      for (const key of ["a/k", "b", "c:"]) await saveText(own, "b", key, `text of ${key}`);
      await exportTo(path, { removesStale: true }, own);
    };
    for (const key of ["a", "b", "gone/deep/file"]) await saveText(store, "b", key, `before ${key}`);
    await exportTo();
    const before = await filesIn(place);
    const unharmed = new DyingProcess();
    await exportAll(place, unharmed);
    const after = await filesIn(place);
    expect(Object.keys(after)).toHaveLength(4);
    for (let dieAt = 0; dieAt < unharmed.calls; dieAt += 1) {
      const path = `${place}-${dieAt}`;
      const process = new DyingProcess(dieAt);
      await exportTo(path);
      await expect(exportAll(path, process), `killed at call ${dieAt}`).rejects.toThrow("killed");
      await process.bury(path);
      const left = await filesIn(path);
      // A directory with a manifest is whole: as before, or as after.
      if ("manifest.json" in left)
        expect(left).toMatchObject(left["manifest.json"] === after["manifest.json"] ? after : before);
      await exportAll(path);
      expect(await filesIn(path), `killed at call ${dieAt}`).toEqual(after);
    }
    expect(unharmed.calls).toBeGreaterThan(20);
  });

  it("leaves out what is deleted meanwhile, and takes one version of what changes", async () => {
    let count = 0;
    store = newStore((folder) => ({
      ...folder,
      async create(name, overwrite) {
        if (name === ".unfinished-export.json") {
          await store.artifacts.delete("b", "deleted");
          await saveText(store, "b", "changed", "second");
          count += 1;
        }
        return folder.create(name, overwrite);
      },
    }));
    for (const key of ["changed", "deleted", "kept"]) await saveText(store, "b", key, "first");
    expect(await exportTo()).toMatchObject({ artifacts: 2, failed: 0 });
    expect(count).toBe(1);
    const other = newStore();
    expect(await importFrom(place, other)).toMatchObject({ artifacts: 2, failed: 0 });
    expect(await other.artifacts.get("b", "changed")).toMatchObject({ version: 2, bytes: 6 });
  });
});

describe("an import", () => {
  async function exported(): Promise<void> {
    for (const text of ["one", "two", "three"]) await saveText(store, "b", "k.txt", text);
    const about = { defaultMimeType: "x/y", mime_type: "application/x-own", metadata: { run: "7", a: "é" } };
    await store.artifacts.save({ bucket: "CON", key: "A", bytes: bytesOf("upper"), ...about });
    await store.artifacts.save({ bucket: "b", key: "large", bytes: Buffer.alloc(3_000_000, "x"), ...about });
    await saveText(store, "b", "large/part", "below");
    await exportTo();
  }

  it("is the inverse: an export of it is equal byte by byte, with the numbers of the versions", async () => {
    await exported();
    const other = newStore();
    expect(await importFrom(place, other)).toMatchObject({ artifacts: 4, saved: 4, already_saved: 0, failed: 0 });
    expect(await other.artifacts.get("b", "k.txt")).toMatchObject({ version: 3, saved_by: "test" });
    expect(await textOf(other, "CON", "A")).toBe("upper");
    await exportTo(`${place}2`, {}, other);
    expect(await filesIn(`${place}2`)).toEqual(await filesIn(place));
    expect(problems).toEqual([]);
  });

  it("makes nothing where the newest version is the same, and else a version with the next number", async () => {
    await exported();
    expect(await importFrom(place, store)).toMatchObject({ artifacts: 4, saved: 0, already_saved: 4 });
    for (let n = 0; n < 4; n += 1) await saveText(store, "b", "k.txt", `later ${n}`);
    expect(await importFrom(place, store)).toMatchObject({ saved: 1, already_saved: 3 });
    expect(await store.artifacts.get("b", "k.txt")).toMatchObject({ version: 8 });
  });

  it("says which files are missing or changed, and saves the others", async () => {
    await exported();
    await rm(join(place, "b/k.txt"));
    await writeFile(join(place, "b/large/part"), "bELOW");
    const [large] = Object.keys(await filesIn(place)).filter((name) => name.endsWith("-large"));
    await writeFile(join(place, large ?? ""), Buffer.alloc(3_000_000, "y"));
    const other = newStore();
    expect(await importFrom(place, other)).toMatchObject({ artifacts: 1, saved: 1, failed: 3 });
    expect(problems.sort()).toEqual([
      expect.stringMatching(/^b\/k\.txt: There is no file /),
      expect.stringMatching(/^b\/large\/part: The content of .* is not that of the manifest/),
      expect.stringMatching(/^b\/large: The content of .* is not that of the manifest/),
    ]);
    expect((await other.artifacts.listAll({ limit: 10 })).data.map(({ key }) => key)).toEqual(["A"]);
    expect((await other.uploads.list({ limit: 10 })).data).toEqual([]); // nothing is left of the large one
  });

  it("ends at once if the disk of the store is full", async () => {
    await exported();
    const engines = createMemoryEngines();
    let changes = 0;
    const change = async (): Promise<never> => {
      changes += 1;
      throw new ArtifactError("storage_full", "The disk is full.", { next: "make_room" });
    };
    const options = { archiveFolders: createArchiveFolders({ forbidden, log: silentLog }) };
    const full = storeOn({ ...engines, metadata: { ...engines.metadata, change } }, options);
    await expect(importFrom(place, full)).rejects.toMatchObject({ code: "storage_full" });
    expect(problems).toEqual([]);
    expect(changes).toBeGreaterThan(0);
  });

  it("does not read through a symlink that leads outside", async () => {
    await exported();
    const outside = join(await temporaryDirectory(), "secret");
    await writeFile(outside, "three");
    await rm(join(place, "b/k.txt"));
    await symlink(outside, join(place, "b/k.txt"));
    expect(await importFrom(place, newStore())).toMatchObject({ failed: 1 });
    expect(problems).toEqual([expect.stringMatching(/^b\/k\.txt: .*does not lead into an allowed directory/)]);
  });

  it("goes on with the upload that a killed import has begun", async () => {
    await exported();
    const engines = createMemoryEngines();
    const archiveFolders = createArchiveFolders({ forbidden, log: silentLog });
    const options = { files: createLocalFiles({ forbidden }), archiveFolders, maxChunkBytes: 1_000_000 };
    const other = storeOn(engines, options);
    const stopping = new AbortController();
    const onProgress = ({ bytes }: { bytes: number }): void => {
      if (bytes > 2_000_000) stopping.abort();
    };
    const wanted = { path: place, saved_by: "test" };
    const stopped = other.archive.import(wanted, { onProblem, onProgress, signal: stopping.signal });
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    const [begun] = (await other.uploads.list({ limit: 10 })).data;
    expect(begun).toMatchObject({ key: "large", offset: 2_000_000 });
    expect(await importFrom(place, storeOn(engines, options))).toMatchObject({ artifacts: 4, failed: 0 });
    expect(await other.uploads.get(begun?.id ?? "")).toMatchObject({ status: "complete" });
  });

  it("refuses a manifest that is longer than any text and has no lines, without reading it all", async () => {
    await exported();
    await truncate(join(place, "manifest.json"), 5 * 2 ** 30);
    for (const refused of [() => importFrom(place, store), () => exportTo()]) {
      await expect(refused()).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringMatching(/^[^\n]*it has a line of more than 65536 bytes[^\n]*$/),
      });
    }
  });

  it("refuses a directory without a manifest, and says if an export was not finished", async () => {
    await mkdir(place);
    await expect(importFrom(place, store)).rejects.toMatchObject({ message: expect.stringContaining("manifest.json") });
    await writeFile(join(place, ".unfinished-export.json"), "{}");
    await expect(importFrom(place, store)).rejects.toMatchObject({
      message: expect.stringContaining("was not finished"),
    });
  });
});
