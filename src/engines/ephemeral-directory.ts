import { lstat, mkdtemp, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Log } from "../store/ports/log.js";
import { removeClaimFile } from "./claim-file.js";
import { DataDirectoryError } from "./data-directory-error.js";
import { ignoringErrno, writeSynced } from "./file-system.js";
import { SqliteDriverError } from "./sqlite/database/driver.js";
import { lockForProcess, type ProcessLock } from "./sqlite/database/process-lock.js";

/** The names of the directories in the system's folder for temporary files. */
const namePrefix = "artifacts-mcp-ephemeral-";
/** The file that the process has locked that uses a directory. */
const lockName = "owner";
/** If this file exists, no other process removes the directory. It has the path to which the store was to be exported. */
const keptName = "kept-for";
const rootName = "store";

/** Each try fails only if another start comes between two calls of the file system. */
const maxTries = 100;

/** A data directory that lives as long as its process. */
export interface EphemeralDirectory {
  /** Path of the data directory. It does not exist yet. */
  readonly root: string;
  /** Removes the data directory, which is closed. */
  remove(): Promise<void>;
}

export interface EphemeralOptions {
  /** Where the store is to be exported. If it is not removed, no later start removes it either. */
  readonly keepTo?: string | undefined;
}

/**
 * Makes a directory for one process, which only its user can reach. Begins to remove those of processes that have died,
 * and does not wait for that, because a store may be large.
 *
 * @throws DataDirectoryError if there is no place for it; SqliteDriverError
 */
export async function makeEphemeralDirectory({ keepTo }: EphemeralOptions, log: Log): Promise<EphemeralDirectory> {
  const temporary = tmpdir();
  for (let tries = 0; tries < maxTries; tries += 1) {
    const path = await mkdtemp(join(temporary, namePrefix)).catch((cause) => {
      throw noPlace(temporary, cause);
    }); // mode 0700
    const lock = await lockNew(path, keepTo).catch(async (cause) => {
      await rm(path, { recursive: true, force: true });
      throw cause instanceof SqliteDriverError ? cause : noPlace(temporary, cause);
    });
    if (lock === undefined) continue; // another start took the directory, still without a lock, for a leftover
    void removeLeftovers(temporary, path, log);
    return { root: join(path, rootName), remove: () => removeLocked(path, lock) };
  }
  throw noPlace(temporary, new Error("files cannot be locked there"));
}

/** Locks a new directory, and says for what its store is kept. */
async function lockNew(path: string, keepTo: string | undefined): Promise<ProcessLock | undefined> {
  const lock = await lockForProcess(join(path, lockName));
  if (lock === undefined || keepTo === undefined) return lock;
  try {
    await writeSynced(join(path, keptName), "wx", `${keepTo}\n`);
    return lock;
  } catch (error) {
    await removeLocked(path, lock);
    throw error;
  }
}

function noPlace(temporary: string, cause: Error): DataDirectoryError {
  const message = `There is no place for an ephemeral store in ${temporary} (${cause.message}): name another directory with TMPDIR.`;
  return new DataDirectoryError(message, { cause });
}

/** Removes the directories of processes that have died. Never throws. @param own the directory of this process */
async function removeLeftovers(temporary: string, own: string, log: Log): Promise<void> {
  const names = await readdir(temporary).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(namePrefix))) {
    const path = join(temporary, name);
    try {
      if (path !== own && (await isOwnDirectory(path))) await removeLeftover(path, log);
    } catch (error) {
      log("warn", "leftover_not_removed", { path, error: String(error) });
    }
  }
}

async function removeLeftover(path: string, log: Log): Promise<void> {
  const lock = await lockForProcess(join(path, lockName));
  if (lock === undefined) return; // its process lives
  const keepTo = await ignoringErrno(["ENOENT"], () => readFile(join(path, keptName), "utf8"), undefined);
  const hasStore = (await ignoringErrno(["ENOENT"], () => lstat(join(path, rootName)), undefined)) !== undefined;
  if (keepTo === undefined || !hasStore) {
    await removeLocked(path, lock);
    log("info", "leftover_removed", { path });
    return;
  }
  await lock.release();
  const why = "its server was ended before it could export the store: export it, then remove the directory";
  log("warn", "ephemeral_store_left", { path, root: join(path, rootName), keep_to: keepTo.trim(), why });
}

/** Whether it is a directory of this user, and no symlink: others may write to the folder too. */
async function isOwnDirectory(path: string): Promise<boolean> {
  const found = await ignoringErrno(["ENOENT"], () => lstat(path), undefined);
  const user = process.getuid?.();
  return found?.isDirectory() === true && (user === undefined || found.uid === user);
}

/**
 * Removes a directory. What keeps others from removing it goes first, and the lock last, so that a later start removes
 * what is left if the process is killed here.
 */
async function removeLocked(path: string, lock: ProcessLock): Promise<void> {
  await rm(join(path, keptName), { force: true });
  for (const name of await readdir(path)) {
    if (name !== lockName) await rm(join(path, name), { recursive: true, force: true, maxRetries: 3 });
  }
  await removeClaimFile(join(path, lockName), lock);
  await ignoringErrno(["ENOENT", "ENOTEMPTY", "EEXIST"], () => rmdir(path), undefined);
}
