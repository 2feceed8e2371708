import { constants } from "node:fs";
import { copyFile, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
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
  const target = await realpath(path).catch(() => path); // it is not there yet
  const found = await stat(target).catch(() => undefined);
  const copy = found && join(dirname(target), `${basename(target)}.${timestamp()}.backup`);
  if (copy !== undefined) await copyFile(target, copy, constants.COPYFILE_EXCL);
  const next = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  try {
    // A host's configuration may hold secrets: a new one is for its owner alone.
    await writeSynced(next, after, found === undefined ? 0o600 : found.mode & 0o777);
    if (((await readIfThere(target)) ?? "") !== before) throw new Error("it was changed at this moment: try again");
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  return copy;
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
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** In the order of time, and with no character that a file's name may not have. */
const timestamp = (): string => new Date().toISOString().replaceAll(/[-:]/g, "");
