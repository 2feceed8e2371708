import { randomBytes } from "node:crypto";
import { lstat, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BackupDraft, BackupFile, BackupFiles } from "../../store/ports/backup-files.js";
import { ignoringErrno, makeIfAbsent, readAt, syncFolder, writeParts } from "../file-system.js";
import { withBackupErrors } from "./backup-file-errors.js";

/** A file that has no name yet. */
const isDraft = (name: string): boolean => /^\.draft-[0-9a-f]{16}$/.test(name);

/** Removes what a process that died has left. Only the one writer of the folder may call it. */
export async function removeDrafts(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isFile() && isDraft(entry.name)) await unlink(join(path, entry.name));
  }
}

/** The files of a backup in the folder `path`. */
export function createBackupFiles(path: string): BackupFiles {
  const made = new Set<string>();
  /** Makes the folders above a file. */
  async function makeFolders(folder: string): Promise<void> {
    if (folder === "." || made.has(folder)) return;
    await makeFolders(dirname(folder));
    await makeIfAbsent(join(path, folder));
    made.add(folder);
  }
  return withErrors<BackupFiles>(path, {
    async create() {
      return createDraft(path, makeFolders);
    },
    async open(name) {
      const file = await ignoringErrno(["ENOENT"], () => open(join(path, name), "r"), undefined);
      if (file === undefined) return undefined;
      const { size } = await file.stat();
      const read: BackupFile["read"] = (start, length, into) => readAt(file, start, length, into);
      return { ...withErrors(path, { read, close: () => file.close() }), bytes: size };
    },
    async bytesOf(name) {
      const found = await ignoringErrno(["ENOENT"], () => stat(join(path, name)), undefined);
      return found?.isFile() ? found.size : undefined;
    },
    async list(folder) {
      // What is behind a link is not of this backup, and its names may be removed.
      if (folder !== "" && (await foundAt(join(path, folder)))?.isDirectory() !== true) return [];
      const names = await ignoringErrno(["ENOENT", "ENOTDIR"], () => readdir(join(path, folder)), []);
      return names.filter((name) => !name.startsWith(".")).sort();
    },
    remove: (name) => ignoringErrno(["ENOENT"], () => unlink(join(path, name)), undefined),
    async sync() {
      // All of them: a process that died may have named files without syncing their folder.
      const outer = await foldersIn(path);
      const inner = await Promise.all(outer.map(foldersIn));
      for (const folder of [...inner.flat(), ...outer, path]) await syncFolder(folder);
    },
  });
}

/** @param makeFolders makes the folders above the file, relative to the backup */
async function createDraft(path: string, makeFolders: (folder: string) => Promise<void>): Promise<BackupDraft> {
  const draft = join(path, `.draft-${randomBytes(8).toString("hex")}`);
  const file = await open(draft, "wx", 0o600);
  let length = 0;
  let isOpen = true;
  let isNamed = false;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  return withErrors<BackupDraft>(path, {
    async write(bytes) {
      if (bytes.length > 0) await writeParts(file, [bytes], length);
      length += bytes.length;
    },
    async commit(name) {
      await file.sync();
      await close(); // some file systems report only now that they had no room
      await makeFolders(dirname(name));
      await rename(draft, join(path, name));
      isNamed = true;
    },
    async discard() {
      if (isNamed) return;
      await close();
      await ignoringErrno(["ENOENT"], () => unlink(draft), undefined);
    },
  });
}

/** What is at a path itself, also if it is a link. */
const foundAt = (path: string) => ignoringErrno(["ENOENT", "ENOTDIR"], () => lstat(path), undefined);

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== "lost+found");
  return folders.map(({ name }) => join(path, name));
}

/** A copy of an object whose methods throw errors that name the backup. */
function withErrors<Port extends object>(path: string, port: Port): Port {
  const members = Object.entries(port).map(([name, method]) => [
    name,
    (...values: unknown[]) => withBackupErrors(path, async () => method.apply(port, values)),
  ]);
  return Object.fromEntries(members) as Port;
}
