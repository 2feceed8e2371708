import { join } from "node:path";
import type { Log } from "../../store/ports/log.js";
import { lockForProcess, type ProcessLock } from "../sqlite/database/process-lock.js";

/** The file that shows that a folder is a backup. It is made first, and stays empty. Processes lock it. */
export const claimFile = ".artifacts-mcp-backup";

/**
 * Claims a folder until `release`, or until this process ends: for one writer, or for any number of readers. Undefined if
 * other processes have claimed it otherwise.
 *
 * A file system that has no locks, or cannot be written to, gives a claim that keeps nobody out; that is logged.
 */
export async function claimFolder(path: string, kind: "writer" | "reader", log: Log): Promise<ProcessLock | undefined> {
  try {
    return await lockForProcess(join(path, claimFile), kind === "reader");
  } catch (error) {
    log(kind === "writer" ? "warn" : "info", "backup_not_locked", { path, error: String(error) });
    return unlocked;
  }
}

/** The claim of a process that locks nothing. */
export const unlocked: ProcessLock = { release: async () => undefined };
