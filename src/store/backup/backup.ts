import type { StoreIdentity } from "../maintenance/store-identity.js";
import { ArtifactError } from "../model/errors.js";
import type { BackupFiles } from "../ports/backup-files.js";
import type { BackupContentsDependencies, BackupContentsOptions } from "./backup-contents.js";
import { spoolName } from "./backup-layout.js";
import { type BackupManifest, newManifest, readManifest, writeManifest } from "./backup-manifest.js";
import { BackupRun } from "./backup-run.js";
import { checkBackup } from "./check-backup.js";
import { bytesInSpool, writeSpool } from "./row-spool.js";

export interface BackupDependencies extends BackupContentsDependencies {
  readonly identity: StoreIdentity;
  readonly nowSeconds: () => number;
}

export interface BackupOptions extends Pick<BackupContentsOptions, "check" | "signal"> {
  /** Called with the bytes that are in the backup, and those of all that was asked for. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface BackupReport {
  readonly manifest: BackupManifest;
  /** What this run has written: the rest was there. */
  readonly written: { readonly contents: number; readonly bytes: number };
  /** Files of former backups that were removed. None if the backup lacks something that is damaged in the store. */
  readonly removed: number;
}

/**
 * Backs up a store while others work on it: its rows as of one moment, then the content that they name. Until the new
 * manifest is in its place, the backup before stays whole. After a kill, the next call continues with what is there.
 *
 * What is damaged in the store stays in the backup as the backup before had it. If that has not got it either, nothing of
 * former backups is removed.
 *
 * @throws ArtifactError `invalid_argument` if the files are the backup of another store, or if the rows of this one are
 * older than its content; the errors of `files`
 */
export async function backUp(
  dependencies: BackupDependencies,
  files: BackupFiles,
  { onProgress, ...options }: BackupOptions = {},
): Promise<BackupReport> {
  const store = await dependencies.identity.ready();
  if (!(await dependencies.identity.isCurrent())) throw olderDatabase();
  const before = await readManifest(files);
  if (before !== undefined && before.store !== store) throw otherStore(before.store);
  const created_at = dependencies.nowSeconds();
  const isContinued = (await files.bytesOf(spoolName)) !== undefined;
  await writeSpool(dependencies.metadata, files, options.signal);
  const total = onProgress === undefined ? 0 : await bytesInSpool(files);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.(done, Math.max(done, total));
  };
  const run = new BackupRun(dependencies, files, { ...options, onBytes });
  if (isContinued) await run.removeLeftovers(before);
  await run.copyContents();
  await run.findFormer(before);
  const manifest = newManifest({ store, created_at, ...(await run.writeRecords()) });
  await files.sync();
  await checkBackup(files, manifest);
  options.signal?.throwIfAborted();
  await writeManifest(files, manifest);
  const removed = await run.removeOthers(manifest);
  const { writtenContents, writtenBytes } = run.contents.totals;
  return { manifest, written: { contents: writtenContents, bytes: writtenBytes }, removed };
}

/** The backup before may have what such a database does not know. */
function olderDatabase(): ArtifactError {
  const message =
    "The database is older than the content of the store, so this backup could lose what the one before has: run verify first. Nothing was changed.";
  return new ArtifactError("invalid_argument", message);
}

function otherStore(id: string): ArtifactError {
  const message = `The directory has the backup of another store (${id}): give another directory. Nothing was changed.`;
  return new ArtifactError("invalid_argument", message);
}
