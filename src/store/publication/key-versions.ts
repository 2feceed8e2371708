import type { DescribedContent } from "../model/artifact.js";
import type { Piece, Version } from "../model/records.js";
import { type Change, type Freed, type KeyRows, lastNumber } from "../rows.js";

/** The facts of a new version, without its number. */
export interface NewVersion {
  readonly session: string;
  readonly pieces: readonly Piece[];
  readonly content: DescribedContent;
  /** Unix seconds; undefined if it does not expire. */
  readonly expires_at: number | undefined;
  readonly saved_by: string | undefined;
  readonly idempotency_key: string | undefined;
  /** Its number, if the key has not given out as high a number yet. */
  readonly least_version: number | undefined;
}

export interface KeyLimits {
  /** When a version of this bucket is made, in unix seconds. */
  readonly createdAt: (bucket: string) => number;
  readonly keepVersions: number;
}

export const versionsOf = ({ artifact }: KeyRows): readonly Version[] => artifact?.value.versions ?? [];

/**
 * Adds a new version to a change, as the newest version of the key. Removes versions past `keepVersions`, oldest first.
 *
 * @returns the version, and the pieces of the versions that it removed
 */
export function addVersion(
  change: Change,
  { bucket, key, rows }: { readonly bucket: string; readonly key: string; readonly rows: KeyRows },
  { session, pieces, content, expires_at, saved_by, idempotency_key, least_version = 1 }: NewVersion,
  { createdAt, keepVersions }: KeyLimits,
): { readonly version: Version; readonly dropped: readonly Freed[] } {
  const version: Version = {
    version: Math.max(lastNumber(rows) + 1, least_version),
    session,
    pieces: [...pieces],
    ...content,
    created_at: createdAt(bucket),
    ...(expires_at === undefined ? {} : { expires_at }),
    ...(saved_by === undefined ? {} : { saved_by }),
    ...(idempotency_key === undefined ? {} : { idempotency_keys: [idempotency_key] }),
  };
  return { version, dropped: putOnTop(change, { bucket, key, rows }, [version], keepVersions) };
}

/**
 * Puts versions on top of a key. Removes versions past `keepVersions`, oldest first.
 *
 * @param added newest first, at least one and at most `keepVersions`; their numbers are above the last one of the key
 * @returns the versions that it removed
 */
export function putOnTop(
  change: Change,
  { bucket, key, rows }: { readonly bucket: string; readonly key: string; readonly rows: KeyRows },
  added: readonly Version[],
  keepVersions: number,
): readonly Version[] {
  const versions = [...added, ...versionsOf(rows)];
  const dropped = versions.splice(keepVersions);
  change.versions(bucket, key, rows, { last: versions[0]?.version ?? lastNumber(rows), versions });
  return dropped;
}

/** Replaces the version that has the same number as `next`. Returns the text of the artifact row as it will be. */
export function replaceVersion(
  change: Change,
  bucket: string,
  key: string,
  rows: KeyRows,
  next: Version,
): string | undefined {
  const versions = versionsOf(rows).map((version) => (version.version === next.version ? next : version));
  return change.versions(bucket, key, rows, { last: lastNumber(rows), versions });
}
