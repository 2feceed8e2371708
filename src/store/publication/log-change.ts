import type { Version } from "../model/records.js";
import type { Log } from "../ports/log.js";

/** What may happen to an artifact. These are names of log events, which operators search for: they stay as they are. */
export type ArtifactEvent = "saved" | "completed" | "copied" | "moved" | "updated" | "deleted" | "expired";

export interface LoggedChange {
  readonly bucket: string;
  readonly key: string;
  /** The versions that were made, changed or deleted, newest first; at least one. */
  readonly versions: readonly Version[];
  /** Who did it, as they told it; undefined if they did not. */
  readonly by: string | undefined;
  /** Where a copy or a move comes from. */
  readonly from?: { readonly bucket: string; readonly key: string; readonly version: number } | undefined;
  /** How many old versions are gone with it, as those past `keepVersions`. */
  readonly removed?: number | undefined;
}

/**
 * Writes the one line about a change of an artifact. Must be called once, after the change is known to be made, by the
 * process that has made it. If that process dies first, only the line is lost. The line has no content and no metadata.
 */
export function logChange(
  log: Log,
  event: ArtifactEvent,
  { bucket, key, versions, by, from, removed = 0 }: LoggedChange,
): void {
  const [newest] = versions;
  log("info", event, {
    bucket,
    key,
    version: newest?.version,
    bytes: versions.reduce((sum, version) => sum + version.bytes, 0),
    by,
    ...(versions.length > 1 ? { versions: versions.length } : {}),
    ...(removed > 0 ? { removed_versions: removed } : {}),
    ...(from && { from_bucket: from.bucket, from_key: from.key, from_version: from.version }),
  });
}

/** Logs that a save made no version, because the newest one is the same already. That is no change. */
export function logUnchanged(log: Log, bucket: string, key: string, { version, bytes }: Version): void {
  log("debug", "already_saved", { bucket, key, version, bytes });
}
