import type { VerifyReport } from "../maintenance/verify-report.js";
import { ArtifactError } from "../model/errors.js";
import type { BackupFiles } from "../ports/backup-files.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { type BackupManifest, type LeftOut, readManifest } from "./backup-manifest.js";
import { checkRecords } from "./check-backup.js";
import { RestoreClaim } from "./restore-claim.js";
import { RestoreRun, type RestoreRunDependencies } from "./restore-run.js";
import { RestoredContents, type RestoredContentsDependencies } from "./restored-contents.js";
import { differencesFrom } from "./restored-rows.js";

export interface RestoreDependencies extends RestoreRunDependencies, RestoredContentsDependencies {
  readonly metadata: MetadataStore;
  readonly newRevision: () => string;
  readonly verify: () => Promise<VerifyReport>;
}

export interface RestoreOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes that were restored, and those of the backup. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RestoreReport {
  readonly manifest: BackupManifest;
  /** What is not in the store as it is in the backup. */
  readonly problems: readonly LeftOut[];
  /** The whole store, checked at the end. */
  readonly verified: VerifyReport;
}

/**
 * Restores a backup into an empty store. The store is sound at every moment, and after a kill the next call goes on. At
 * the end it compares every row with the backup, and verifies the store. When all is written, the next call compares and
 * verifies only.
 *
 * @throws ArtifactError `invalid_argument` if there is no backup, or if the store is not empty; `corrupt` if the records
 * of the backup are damaged. Then nothing was restored
 */
export async function restore(
  dependencies: RestoreDependencies,
  files: BackupFiles,
  { signal, onProgress }: RestoreOptions = {},
): Promise<RestoreReport> {
  const { metadata, newRevision } = dependencies;
  const manifest = await wholeBackup(files);
  let done = 0;
  const contents = new RestoredContents(dependencies, files, (bytes) => {
    signal?.throwIfAborted();
    done += bytes;
    onProgress?.(done, Math.max(done, manifest.bytes));
  });
  const claim = await RestoreClaim.take(metadata, manifest.records.sha256, newRevision);
  const run = new RestoreRun(dependencies, contents, claim);
  if (!claim.isWritten) {
    await run.findLeftovers();
    await checkRecords(files, manifest, async (record) => {
      signal?.throwIfAborted();
      await run.restore(record);
    });
    await run.end();
  }
  const problems = new Map(run.missing.map((missing) => [nameOf(missing), missing]));
  await checkRecords(files, manifest, async (record) => {
    for (const found of await differencesFrom(record, dependencies.rows)) {
      if (!problems.has(nameOf(found))) problems.set(nameOf(found), found);
    }
  });
  signal?.throwIfAborted();
  const verified = await dependencies.verify();
  await claim.release();
  // Several records are worked on at once, so the problems come in any order.
  const sorted = [...problems].sort(([one], [other]) => (one < other ? -1 : 1));
  return { manifest, problems: sorted.map(([, problem]) => problem), verified };
}

async function wholeBackup(files: BackupFiles): Promise<BackupManifest> {
  const manifest = await readManifest(files);
  if (manifest === undefined) throw new ArtifactError("invalid_argument", "There is no backup to restore.");
  await checkRecords(files, manifest);
  return manifest;
}

const nameOf = ({ problem: _, ...named }: LeftOut): string => JSON.stringify(named);
