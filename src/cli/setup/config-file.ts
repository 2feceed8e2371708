import { constants, type Stats } from "node:fs";
import { chown, copyFile, lstat, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** The text of a file; empty if there is none. */
export async function readConfigFile(path: string): Promise<string> {
  return (await readIfThere(path)) ?? "";
}

/**
 * Puts a text in a file's place, whole or not at all, with the file's mode; through a symlink to where it leads.
 *
 * @param before the text that `after` was made of: if the file has changed since, it is left alone
 * @returns the path of a copy of the file as it was; undefined if there was none
 * @throws Error if the file has changed
 */
export async function replaceConfigFile(path: string, before: string, after: string): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true });
  const target = await targetOf(path);
  const found = await stat(target).catch(() => undefined);
  const copy = found && join(dirname(target), `${basename(target)}.${timestamp()}.backup`);
  if (copy !== undefined) await copyFile(target, copy, constants.COPYFILE_EXCL);
  if (copy !== undefined && found !== undefined) await giveTo(copy, found);
  const next = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  try {
    // A host's configuration may hold secrets: a new one is for its owner alone.
    await writeSynced(next, after, found === undefined ? 0o600 : found.mode & 0o777);
    if (found !== undefined) await giveTo(next, found);
    if (((await readIfThere(target)) ?? "") !== before) throw new Error("it was changed at this moment: try again");
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  return copy;
}

/** Where a file is or is to be. @throws Error if it is a symlink that leads nowhere */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (await lstat(path).catch(() => undefined)) throw error;
    return path;
  }
}

/** As root, a file of somebody else's stays theirs. */
async function giveTo(path: string, { uid, gid }: Stats): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.chmod(mode); // whatever the umask
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

/** In the order of time, and with no character that a file's name may not have. */
const timestamp = (): string => new Date().toISOString().replaceAll(/[-:]/g, "");
