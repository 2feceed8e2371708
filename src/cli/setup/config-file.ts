import { constants, type Stats } from "node:fs";
import { chown, copyFile, lstat, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Returns the text of a file, or an empty text if the file does not exist. @throws Error if it is not UTF-8 */
export async function readConfigFile(path: string): Promise<string> {
  return (await readIfThere(path)) ?? "";
}

/**
 * Replaces the text of a file, whole or not at all. Keeps the file's mode. If the path is a symlink, replaces the file
 * that it leads to.
 *
 * @param before the text from which `after` was made
 * @returns the path of a copy of the old file; undefined if there was no file
 * @throws Error if the file no longer has the text `before`; then it is left as it is
 */
export async function replaceConfigFile(path: string, before: string, after: string): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true });
  const target = await targetOf(path);
  const found = await stat(target).catch(() => undefined);
  const copy = found && join(dirname(target), `${basename(target)}.${timestamp()}.backup`);
  if (copy !== undefined) await copyFile(target, copy, constants.COPYFILE_EXCL);
  if (copy !== undefined && found !== undefined) await setOwner(copy, found);
  const next = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  try {
    // A host's configuration may hold secrets, so only the owner may read a new file.
    await writeSynced(next, after, found === undefined ? 0o600 : found.mode & 0o777);
    if (found !== undefined) await setOwner(next, found);
    if (((await readIfThere(target)) ?? "") !== before)
      throw new Error("another program has changed it just now: try again");
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  return copy;
}

/** Follows symlinks to the file itself, which need not exist. @throws Error for a symlink that leads nowhere */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (await lstat(path).catch(() => undefined)) throw error;
    return path;
  }
}

/** Gives a file the owner that another file had. Only root can, and only root needs to. */
async function setOwner(path: string, { uid, gid }: Stats): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.chmod(mode); // the umask may have cleared bits of it
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") throw new Error("it is not UTF-8", { cause: error });
    throw error;
  }
}

/** The time as text that sorts in order, without characters that are not allowed in the name of a file. */
const timestamp = (): string => new Date().toISOString().replaceAll(/[-:]/g, "");
