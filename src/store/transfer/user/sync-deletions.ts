import { join } from "node:path";
import type { ArtifactStore } from "../../artifacts/artifact-store.js";
import { forEachOf } from "../../for-each-of.js";
import type { UserFiles } from "../../ports/user-files.js";
import { problemOfFile } from "./job-errors.js";
import type { JobReport } from "./job-report.js";
import type { WalkReport } from "./named-files.js";
import type { SyncOptions } from "./user-transfer-options.js";

/** Deletions that run at once: their changes share transactions. */
const width = 16;

/** The newest version of a key when the job began. */
export interface Known {
  readonly version: number;
  readonly edit: number | undefined;
}

export interface StoreSide {
  readonly bucket: string;
  readonly known: ReadonlyMap<string, Known>;
  /** Keys of all files of the folder, also of those that could not be saved. */
  readonly source: ReadonlySet<string>;
  readonly walk: WalkReport;
  /** Whether the file of a key is there now. */
  readonly isThereNow: (key: string) => Promise<boolean>;
}

/**
 * Deletes the artifacts that the folder does not have, unless they, or the folder, have changed since the job began. If a part of the
 * folder could not be read, nothing is deleted.
 */
export async function deleteArtifacts(
  artifacts: ArtifactStore,
  { bucket, known, source, walk, isThereNow }: StoreSide,
  options: SyncOptions,
  report: JobReport,
): Promise<void> {
  const extra = [...known].filter(([key]) => !source.has(key) && !isSkipped(key, walk.skippedKeys));
  if (extra.length === 0) return;
  if (walk.isPartial) return report.fail(bucket, "nothing is deleted, because a part of the folder could not be read");
  if (options.isDry)
    return dryRun(
      extra.map(([key]) => key),
      options,
      report,
    );
  if (!(await isConfirmed(extra.length, options, report))) return;
  await forEachOf(extra, width, async ([key, { version, edit }]) => {
    options.signal.throwIfAborted();
    if (await isThereNow(key)) return;
    try {
      const guard = { if_version: version, if_edit: edit };
      const deleted = await artifacts.delete(bucket, key, { ...guard, by: options.saved_by });
      if (!("already_deleted" in deleted)) report.deleted += 1;
    } catch (error) {
      report.fail(key, problemOfFile(error));
    }
  });
}

/** What is known of a skipped entry is nothing: what the store has for it, or below it, stays. */
function isSkipped(key: string, skippedKeys: readonly string[]): boolean {
  return skippedKeys.some((skipped) => key === skipped || key.startsWith(`${skipped}/`));
}

/** Deletes the files below a folder that the store does not have. Symlinks and special files stay. */
export async function deleteFiles(
  files: UserFiles,
  folder: string,
  isExtra: (name: string) => Promise<boolean>,
  options: SyncOptions,
  report: JobReport,
): Promise<void> {
  const extra: string[] = [];
  for await (const entry of files.walk(folder, { follow: false })) {
    options.signal.throwIfAborted();
    if (entry.kind === "file" && (await isExtra(entry.name))) extra.push(entry.name);
    if (entry.kind === "unread") report.fail(entry.name, `the folder cannot be read: ${entry.problem}`);
  }
  if (extra.length === 0) return;
  if (options.isDry) return dryRun(extra, options, report);
  if (!(await isConfirmed(extra.length, options, report))) return;
  for (const name of extra) {
    options.signal.throwIfAborted();
    if (!(await isExtra(name))) continue; // saved while a person was asked
    const problem = await files.remove(folder, name);
    if (problem === undefined) report.deleted += 1;
    else report.fail(join(folder, name), problem);
  }
}

function dryRun(names: readonly string[], { onDryRun }: SyncOptions, report: JobReport): void {
  for (const name of names) onDryRun?.("delete", name);
  report.deleted += names.length;
}

async function isConfirmed(count: number, { confirm }: SyncOptions, report: JobReport): Promise<boolean> {
  if (confirm === undefined || (await confirm(count))) return true;
  report.fail("--delete", "nothing was deleted");
  return false;
}
