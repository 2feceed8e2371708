import { mkdir, readdir, realpath, stat } from "node:fs/promises";
import nodePath, { basename, dirname, join } from "node:path";
import type { BackupFiles } from "../../store/ports/backup-files.js";
import type { Log } from "../../store/ports/log.js";
import { unlocked } from "../claim-file.js";
import { ignoringErrno, syncFolder } from "../file-system.js";
import { isInside } from "../local-files/path-rules.js";
import type { ProcessLock } from "../sqlite/database/process-lock.js";
import { refusedFolder, withBackupErrors } from "./backup-file-errors.js";
import { createBackupFiles, removeDrafts } from "./create-backup-files.js";
import { claimFile, claimFolder } from "./folder-claim.js";

export interface BackupFolder {
  readonly files: BackupFiles;
  close(): Promise<void>;
}

/** What lies in a folder that is a backup. A new file system has `lost+found`. */
const ownNames =
  /^(?:\.artifacts-mcp-backup.*|backup\.json|rows-\w+\.jsonl|\.rows\.jsonl|content|\.draft-[0-9a-f]{16}|lost\+found)$/;

/**
 * Opens the folder of a backup for its one writer. Makes it if it does not exist; its parent must exist.
 *
 * @param root the data directory, which the folder must not be in
 * @throws ArtifactError `invalid_argument` if the folder has other files, or is in use. Nothing was written
 */
export async function openBackupFolder(path: string, root: string, log: Log): Promise<BackupFolder> {
  return withBackupErrors(path, async () => {
    await checkPlace(path, root);
    await makeFolder(path);
    await checkNames(path);
    const claim = await claimFolder(path, "writer", log);
    if (claim === undefined)
      throw refusedFolder(path, "is in use by another backup or restore: wait until it has ended.");
    return opened(path, claim, () => removeDrafts(path));
  });
}

/** Opens the folder of a backup for reading. @throws ArtifactError `invalid_argument` if it is no backup, or is in use */
export async function openBackup(path: string, log: Log): Promise<BackupFolder> {
  return withBackupErrors(path, async () => {
    const found = await ignoringErrno(["ENOENT", "ENOTDIR"], () => stat(join(path, claimFile)), undefined);
    const manifest = await ignoringErrno(["ENOENT", "ENOTDIR"], () => stat(join(path, "backup.json")), undefined);
    if (manifest === undefined) {
      const why = found === undefined ? "is no backup" : "has no whole backup yet: run backup again";
      throw refusedFolder(path, `${why}: it has no backup.json.`);
    }
    // A copy of a backup may lack the hidden file, and then nobody writes to it.
    const claim = found === undefined ? unlocked : await claimFolder(path, "reader", log);
    if (claim === undefined) throw refusedFolder(path, "is in use by another backup: wait until it has ended.");
    return opened(path, claim);
  });
}

async function opened(path: string, claim: ProcessLock, prepare = async (): Promise<void> => undefined) {
  try {
    await prepare();
  } catch (error) {
    await claim.release();
    throw error;
  }
  return { files: createBackupFiles(path), close: () => claim.release() };
}

async function checkPlace(path: string, root: string): Promise<void> {
  const parent = await ignoringErrno(["ENOENT", "ENOTDIR"], () => realpath(dirname(path)), undefined);
  if (parent === undefined) throw refusedFolder(path, `cannot be made: ${dirname(path)} does not exist.`);
  const place = await ignoringErrno(["ENOENT"], () => realpath(path), join(parent, basename(path)));
  if (isInside(nodePath, await realpath(root), place)) {
    throw refusedFolder(path, "is in the data directory: give a directory outside, best on another disk.");
  }
}

async function makeFolder(path: string): Promise<void> {
  const isMade = await ignoringErrno(["EEXIST"], () => mkdir(path, { mode: 0o700 }).then(() => true), false);
  if (isMade) await syncFolder(dirname(path));
  else if (!(await stat(path)).isDirectory()) throw refusedFolder(path, "is no directory: give another path.");
}

/** Checks that a folder is empty or a backup, without links. @throws ArtifactError `invalid_argument` */
async function checkNames(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.map(({ name }) => name);
  const foreign = names.find((name) => !ownNames.test(name));
  const isBackup = names.includes(claimFile) || names.includes("backup.json");
  const first = foreign ?? (isBackup ? undefined : names.find((name) => name !== "lost+found"));
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (first === undefined && link !== undefined) {
    throw refusedFolder(path, `has a link (${JSON.stringify(link.name)}), which no backup makes. Nothing was written.`);
  }
  if (first === undefined) return;
  throw refusedFolder(
    path,
    `is no backup, and it is not empty (it has ${JSON.stringify(first)}): give a new or empty directory. Nothing was written.`,
  );
}
