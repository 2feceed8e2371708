import { join } from "node:path";
import type { Log } from "../../store/ports/log.js";
import { type ClaimKind, claimByFile } from "../claim-file.js";
import type { ProcessLock } from "../sqlite/database/process-lock.js";

/** The file that shows that a folder is a backup. It is made first, and stays empty. Processes lock it. */
export const claimFile = ".artifacts-mcp-backup";

/**
 * Claims a folder until `release`, or until this process ends: for one writer, or for any number of readers. Undefined if
 * other processes have claimed it otherwise. That a file system has no locks is logged.
 *
 * @throws the error of the system if a writer cannot write to the folder
 */
export async function claimFolder(path: string, kind: ClaimKind, log: Log): Promise<ProcessLock | undefined> {
  return claimByFile(join(path, claimFile), kind, (error) =>
    log(kind === "writer" ? "warn" : "info", "backup_not_locked", { path, error: String(error) }),
  );
}
