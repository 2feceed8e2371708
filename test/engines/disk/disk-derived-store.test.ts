import { cp, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDiskDerivedStore } from "../../../src/engines/disk/disk-derived-store.js";
import { derivedStoreContract } from "../../contracts/derived-store-contract.js";
import { temporaryDirectory } from "../../support/directories.js";
import { canMount, memoryDisk, needsMounts } from "../../support/disks.js";
import { silentLog } from "../../support/silent-log.js";

const one = "0123456789abcdef".repeat(4);
const other = "01".repeat(32);
const dayMs = 24 * 60 * 60 * 1000;

async function begin() {
  const root = await temporaryDirectory();
  const folder = join(root, "derived");
  const path = (sha256: string, name: string): string => join(folder, sha256.slice(0, 2), `${sha256}.${name}`);
  const age = async (file: string, ms: number): Promise<void> => {
    const time = new Date(Date.now() - ms);
    await utimes(file, time, time);
  };
  return { root, folder, path, age, store: createDiskDerivedStore(root, silentLog) };
}

derivedStoreContract("the disk", async () => {
  const { store, path, age } = await begin();
  return { store, age: (sha256, name, ms) => age(path(sha256, name), ms) };
});

describe("the disk derived store", () => {
  it("stores entries at the paths of the format, for the owner alone", async () => {
    const { root, folder, path, store } = await begin();
    await store.put(one, "lines", Buffer.from("entry"));
    expect(await readdir(root)).toEqual(["derived"]);
    expect(await readdir(join(folder, "01"))).toEqual([`${one}.lines`]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, "01"))).mode & 0o777).toBe(0o700);
    expect((await stat(path(one, "lines"))).mode & 0o777).toBe(0o600);
    expect((await readFile(path(one, "lines"))).subarray(32).toString()).toBe("entry");
  });

  it("does not use a file that is torn, changed, empty or in the wrong place", async () => {
    const { path, store } = await begin();
    const put = () => store.put(one, "lines", Buffer.from("a".repeat(1_000)));
    for (const length of [0, 31, 32, 500, 1_031, 1_033]) {
      await put();
      await truncate(path(one, "lines"), length);
      expect(await store.get(one, "lines")).toBeUndefined();
    }
    await put();
    await cp(path(one, "lines"), path(one, "description-x"));
    await cp(path(one, "lines"), path(other, "lines"));
    expect(await store.get(one, "description-x")).toBeUndefined();
    expect(await store.get(other, "lines")).toBeUndefined();
    await writeFile(path(one, "lines"), Buffer.alloc(1_032));
    expect(await store.get(one, "lines")).toBeUndefined();
    await put();
    expect(await store.get(one, "lines")).toHaveLength(1_000);
  });

  it("does not read a large file that is none of its own", async () => {
    const { path, store } = await begin();
    await store.put(one, "lines", Buffer.from("entry"));
    await truncate(path(one, "lines"), 8 * 1024 ** 3);
    expect(await store.get(one, "lines")).toBeUndefined();
  });

  it("notes the use of an entry at most once a day", async () => {
    const { path, age, store } = await begin();
    await store.put(one, "lines", Buffer.from("entry"));
    const usedAt = async () => (await stat(path(one, "lines"))).mtimeMs;
    await age(path(one, "lines"), dayMs / 2);
    const before = await usedAt();
    await store.get(one, "lines");
    expect(await usedAt()).toBe(before);
    await age(path(one, "lines"), 2 * dayMs);
    await store.get(one, "lines");
    expect(await usedAt()).toBeGreaterThan(before);
  });

  it("removeUnused() removes drafts of processes that died, and not those of an hour", async () => {
    const { folder, age, path, store } = await begin();
    await store.put(one, "lines", Buffer.from("entry"));
    for (const name of ["old", "new"]) await writeFile(`${path(one, name)}~0123`, "torn");
    await age(`${path(one, "old")}~0123`, dayMs);
    expect(await store.removeUnused(30 * dayMs)).toBe(1);
    expect((await readdir(join(folder, "01"))).sort()).toEqual([`${one}.lines`, `${one}.new~0123`]);
    expect(await store.get(one, "old~0123")).toBeUndefined();
  });

  it("the folder may be deleted at any time, and may hold what is not ours", async () => {
    const { folder, store } = await begin();
    await store.put(one, "lines", Buffer.from("entry"));
    await rm(folder, { recursive: true });
    expect(await store.get(one, "lines")).toBeUndefined();
    await store.remove(one);
    expect(await store.removeUnused(0)).toBe(0);
    await store.put(one, "lines", Buffer.from("entry"));
    await mkdir(join(folder, "01", "folder"));
    await writeFile(join(folder, "file"), "");
    expect(await store.removeUnused(-1)).toBe(1);
    expect(await store.get(one, "lines")).toBeUndefined();
  });

  it("read-only, it reads and writes nothing", async () => {
    const { root, folder, path, age, store } = await begin();
    const reader = createDiskDerivedStore(root, silentLog, { isReadOnly: true });
    await reader.put(one, "lines", Buffer.from("entry"));
    await expect(readdir(folder)).rejects.toMatchObject({ code: "ENOENT" });
    await store.put(one, "lines", Buffer.from("entry"));
    await age(path(one, "lines"), 2 * dayMs);
    const { mtimeMs } = await stat(path(one, "lines"));
    expect(await reader.get(one, "lines")).toHaveLength(5);
    expect((await stat(path(one, "lines"))).mtimeMs).toBe(mtimeMs);
  });

  it("a failure is logged, and answered as a miss", async () => {
    const { root } = await begin();
    await writeFile(join(root, "derived"), "a file in place of the folder");
    const logged: string[] = [];
    const store = createDiskDerivedStore(root, (level, event) => void logged.push(`${level} ${event}`));
    await store.put(one, "lines", Buffer.from("entry"));
    expect(await store.get(one, "lines")).toBeUndefined();
    await store.remove(one);
    expect(await store.removeUnused(0)).toBe(0);
    expect(new Set(logged)).toEqual(new Set(["debug derived_store_failed"]));
  });

  it.skipIf(!canMount)(`on a full disk, put() leaves nothing ${canMount ? "" : needsMounts}`, async () => {
    const disk = await memoryDisk(256 * 1024);
    const store = createDiskDerivedStore(disk.path, silentLog);
    await store.put(one, "lines", Buffer.from("entry"));
    await store.put(one, "lines", Buffer.alloc(1024 * 1024));
    await store.put(other, "lines", Buffer.alloc(1024 * 1024));
    expect(await store.get(one, "lines")).toBeUndefined();
    expect(await readdir(join(disk.path, "derived"), { recursive: true })).toEqual(["01"]);
    await store.put(one, "lines", Buffer.from("entry"));
    expect(await store.get(one, "lines")).toHaveLength(5);
  });
});
