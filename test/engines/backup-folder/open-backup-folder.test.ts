import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openBackup, openBackupFolder } from "../../../src/engines/backup-folder/open-backup-folder.js";
import { backupFilesContract } from "../../contracts/backup-files-contract.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

async function place() {
  const above = await temporaryDirectory();
  const root = join(above, "store");
  await mkdir(root);
  return { above, root, path: join(above, "backup") };
}

const refusal = (text: string) => ({ code: "invalid_argument", message: expect.stringContaining(text) });

backupFilesContract("a folder", async () => {
  const { path, root } = await place();
  const { files, close } = await openBackupFolder(path, root, silentLog);
  onTestFinished(close);
  return files;
});

it("a folder has one writer, or any number of readers", async () => {
  const { path, root } = await place();
  const writer = await openBackupFolder(path, root, silentLog);
  await expect(openBackupFolder(path, root, silentLog)).rejects.toMatchObject(refusal("in use"));
  await writeFile(join(path, "backup.json"), "{}");
  await expect(openBackup(path, silentLog)).rejects.toMatchObject(refusal("in use"));
  await writer.close();
  const readers = [await openBackup(path, silentLog), await openBackup(path, silentLog)];
  await expect(openBackupFolder(path, root, silentLog)).rejects.toMatchObject(refusal("in use"));
  for (const { close } of readers) await close();
  await (await openBackupFolder(path, root, silentLog)).close();
});

it("refuses a folder in the data directory, by a symlink too, and one without a parent", async () => {
  const { above, path, root } = await place();
  await expect(openBackupFolder(root, root, silentLog)).rejects.toMatchObject(refusal("in the data directory"));
  await expect(openBackupFolder(join(root, "b"), root, silentLog)).rejects.toMatchObject(
    refusal("in the data directory"),
  );
  await symlink(root, path);
  await expect(openBackupFolder(path, root, silentLog)).rejects.toMatchObject(refusal("in the data directory"));
  await expect(openBackupFolder(join(path, "c"), root, silentLog)).rejects.toMatchObject(
    refusal("in the data directory"),
  );
  await expect(openBackupFolder(join(above, "no", "b"), root, silentLog)).rejects.toMatchObject(
    refusal("does not exist"),
  );
  expect(await readdir(root)).toEqual([]);
});

it("refuses a folder with other files, and writes nothing into it", async () => {
  for (const names of [["notes.txt"], ["content"], ["rows-a.jsonl"], ["backup.json", "notes.txt"], [".hidden"]]) {
    const { path, root } = await place();
    await mkdir(path);
    for (const name of names) await writeFile(join(path, name), "mine");
    await expect(openBackupFolder(path, root, silentLog)).rejects.toMatchObject(refusal("not empty"));
    expect(await readdir(path)).toEqual(names);
  }
  const { path, root } = await place();
  await writeFile(path, "a file");
  await expect(openBackupFolder(path, root, silentLog)).rejects.toMatchObject(refusal("no directory"));
});

it("takes a new file system, and a copy of a backup without its hidden file", async () => {
  const { path, root } = await place();
  await mkdir(join(path, "lost+found"), { recursive: true });
  await (await openBackupFolder(path, root, silentLog)).close();
  const copy = await place();
  await mkdir(join(copy.path, "content"), { recursive: true });
  await writeFile(join(copy.path, "backup.json"), "{}");
  await (await openBackup(copy.path, silentLog)).close();
  await (await openBackupFolder(copy.path, copy.root, silentLog)).close();
});

it("removes the drafts of a process that died", async () => {
  const { path, root } = await place();
  await (await openBackupFolder(path, root, silentLog)).close();
  await writeFile(join(path, ".draft-0123456789abcdef"), "half");
  await (await openBackupFolder(path, root, silentLog)).close();
  expect(await readdir(path)).toEqual([".artifacts-mcp-backup"]);
});

it("removes nothing but its own files: no link, no folder, and nothing that they lead to", async () => {
  const { above, path, root } = await place();
  await (await openBackupFolder(path, root, silentLog)).close();
  const foreign = join(above, "foreign");
  await mkdir(foreign);
  await writeFile(join(foreign, "mine"), "mine");
  await mkdir(join(path, ".draft-0000000000000003"));
  await mkdir(join(path, "content"));
  await symlink(foreign, join(path, "content", "ab"));
  const { files, close } = await openBackupFolder(path, root, silentLog);
  const draft = await files.create();
  await draft.commit("backup.json");
  expect(await files.list("content")).toEqual(["ab"]);
  expect(await files.list("content/ab")).toEqual([]);
  await close();
  expect(await readdir(path)).toHaveLength(4);
  for (const name of [".drafts", ".draft-0000000000000001", "rows-ab.jsonl"]) {
    await symlink(name === ".drafts" ? foreign : join(foreign, "mine"), join(path, name));
    await expect(openBackupFolder(path, root, silentLog)).rejects.toMatchObject(refusal(name));
    await rm(join(path, name));
  }
  expect(await readdir(foreign)).toEqual(["mine"]);
});

it("says of a folder without a manifest that it is no backup, or not whole yet", async () => {
  const { above, path, root } = await place();
  await expect(openBackup(join(above, "none"), silentLog)).rejects.toMatchObject(refusal("is no backup"));
  await (await openBackupFolder(path, root, silentLog)).close();
  await expect(openBackup(path, silentLog)).rejects.toMatchObject(refusal("no whole backup yet"));
});
