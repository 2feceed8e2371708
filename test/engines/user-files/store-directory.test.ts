import { mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { createUserFiles } from "../../../src/engines/user-files/create-user-files.js";
import { StoreDirectory } from "../../../src/engines/user-files/store-directory.js";
import type { UserFiles, WalkedEntry } from "../../../src/store/ports/user-files.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

let base: string;
let files: UserFiles;
const at = (...names: string[]): string => join(base, ...names);
beforeEach(async () => {
  base = await temporaryDirectory();
  await mkdir(at("store", "content", "a"), { recursive: true });
  await writeFile(at("store", "content", "a", "piece"), "piece");
  await mkdir(at("mine"));
  await writeFile(at("mine", "f"), "f");
  files = createUserFiles(at("store"), silentLog);
  onTestFinished(() => files.close());
});

async function walked(folder: string): Promise<WalkedEntry[]> {
  const found: WalkedEntry[] = [];
  for await (const entry of files.walk(folder, { follow: true })) found.push(entry);
  return found;
}

it("contains what is in the directory, by whatever way, and nothing beside it", async () => {
  await symlink("store/content", at("way"));
  await rename(at("store", "content", "a"), at("elsewhere"));
  await symlink(at("elsewhere"), at("store", "content", "a"));
  const own = new StoreDirectory(at("store"));
  for (const path of ["store", "store/none/x", "way", "way/new", "elsewhere/piece", "store/content/a/piece"]) {
    expect([path, own.contains(at(path))]).toEqual([path, true]);
  }
  for (const path of [".", "mine/f", "storeroom", "none"])
    expect([path, own.contains(at(path))]).toEqual([path, false]);
  expect(new StoreDirectory(at("none")).contains(at("none"))).toBe(false); // there is no store
});

it("nothing in it is walked over, read, written or removed, also through symlinks", async () => {
  await symlink(at("store", "content"), at("mine", "way"));
  await symlink(at("store", "content", "a", "piece"), at("mine", "piece"));
  for (const folder of ["store", "store/content/a", "mine/way", "mine/way/a"]) {
    await expect(walked(at(folder))).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await files.look(at(folder))).toMatchObject({ kind: "other" });
    expect(await files.makeFolder(at(folder, "new"), base)).toMatchObject({ kind: "failed" });
    expect(await files.makeFolder(at(folder), at(folder))).toMatchObject({ kind: "failed" });
  }
  expect(await walked(at("mine"))).toEqual([
    { kind: "file", name: "f" },
    { kind: "skipped", name: "piece", is: "symlink", what: "a symlink into the store's own directory" },
    { kind: "skipped", name: "way", is: "symlink", what: "a symlink into the store's own directory" },
  ]);
  const paths = ["store/content/a/piece", "mine/piece", "mine/way/a/piece"].map((name) => at(name));
  const reads = await files.readSmall([...paths, at("mine", "f")], 100);
  expect(reads.map(({ kind }) => kind)).toEqual(["failed", "failed", "failed", "read"]);
  for (const path of paths) await expect(files.open(path)).rejects.toMatchObject({ code: "invalid_argument" });
  expect(await files.remove(at("store", "content"), "a/piece")).toContain("the store's own directory");
  expect(await files.remove(at("mine", "way"), "a/piece")).toContain("the store's own directory");
  expect(await readdir(at("store", "content", "a"))).toEqual(["piece"]);
  expect(await files.remove(at("mine"), "piece")).toBe(undefined); // the symlink itself is the person's
});
