import { unlink } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { errorCodeOf } from "./engine-error.js";
import { lockForProcess, type ProcessLock } from "./sqlite/database/process-lock.js";
import { SqliteError } from "./sqlite/database/sqlite-error.js";

/** Two processes that lock a file in the same microseconds may both fail. */
const maxTries = 3;
const longestWaitMs = 30;

/** Whether a process claims for itself alone, or beside others that read. */
export type ClaimKind = "writer" | "reader";

/**
 * Claims what a file stands for, until `release` or until this process ends. The file is made if it is missing. Undefined
 * if other processes have claimed it otherwise.
 *
 * A file system that has no locks gives a claim that keeps nobody out, and so does one that a reader cannot write to.
 *
 * @param onUnlocked called then
 * @throws the error of the system if a writer cannot make the file
 */
export async function claimByFile(
  path: string,
  kind: ClaimKind,
  onUnlocked: (error: unknown) => void,
): Promise<ProcessLock | undefined> {
  try {
    for (let tries = 1; ; tries += 1) {
      const lock = await lockForProcess(path, kind === "reader");
      if (lock !== undefined || tries === maxTries) return lock;
      await setTimeout(Math.random() * longestWaitMs);
    }
  } catch (error) {
    if (kind === "writer" && !(error instanceof SqliteError)) throw error;
    onUnlocked(error);
    return unlocked;
  }
}

/** The claim of a process that locks nothing. */
export const unlocked: ProcessLock = { release: async () => undefined };

/**
 * Releases a claim, and removes its file. It is removed while it is locked, so that another process that has opened it
 * already sees that it is gone.
 */
export async function removeClaimFile(path: string, lock: ProcessLock): Promise<void> {
  const isUnlinked = await unlinkClosed(path);
  await lock.release();
  if (!isUnlinked) await unlinkClosed(path);
}

/** Whether the file is gone. Windows does not remove a file that is open. */
async function unlinkClosed(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (["EBUSY", "EPERM", "EACCES"].includes(errorCodeOf(error) ?? "")) return false;
    if (errorCodeOf(error) === "ENOENT") return true;
    throw error;
  }
}
