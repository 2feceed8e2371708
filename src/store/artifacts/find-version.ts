import { ArtifactError } from "../model/errors.js";
import type { Guard } from "../model/guard.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { type ArtifactRow, type Version, versionNumbered } from "../model/records.js";
import { absence, versionConflict } from "../model/session-errors.js";
import type { Rows } from "../rows.js";

export interface FoundVersion {
  readonly row: ArtifactRow;
  readonly found: Version;
}

/**
 * Reads a version, the newest by default, with the row that names it. A key that has expired has no version.
 *
 * @throws ArtifactError `artifact_not_found`, `invalid_argument`, `corrupt`
 */
export async function findVersion(rows: Rows, bucket: string, name: string, version?: number): Promise<FoundVersion> {
  checkBucket(bucket);
  const key = toKey(name);
  const row = await rows.liveArtifact(bucket, key);
  const versions = row?.value.versions ?? [];
  const found = versionNumbered(versions, version);
  if (row !== undefined && found !== undefined) return { row, found };
  throw unknownVersion(bucket, key, { versions, last: await rows.lastNumber(bucket, key) }, version);
}

/** A key as a reader finds it. */
interface SeenKey {
  /** Newest first; empty if the key does not exist. */
  readonly versions: readonly Version[];
  /** The last version number that was given to it; 0 if none was. */
  readonly last: number;
}

export function unknownVersion(
  bucket: string,
  key: string,
  { versions, last }: SeenKey,
  version?: number,
): ArtifactError {
  const [newest] = versions;
  if (newest === undefined) {
    const details = last === 0 ? { bucket, key } : { bucket, key, last_version: last };
    return new ArtifactError("artifact_not_found", `${absence(bucket, key, last)}.`, {
      next: "see_artifacts",
      details,
    });
  }
  const message = `There is no version ${version} of ${quote(key)} in bucket ${quote(bucket)}; ${thereAre(versions)}.`;
  const details = { bucket, key, version: version ?? null, newest_version: newest.version };
  return new ArtifactError("artifact_not_found", message, { next: "see_versions", details });
}

const maxNamedVersions = 10;

/** @param versions newest first, not empty */
function thereAre(versions: readonly Version[]): string {
  const numbers = versions.slice(0, maxNamedVersions).map(({ version }) => version);
  const older = versions.length - numbers.length;
  const named = [...numbers, ...(older > 0 ? [`${older} older`] : [])];
  const last = named.pop();
  return named.length === 0 ? `there is version ${last}` : `there are versions ${named.join(", ")} and ${last}`;
}

/** For a guard that the newest version of a key does not meet. */
export function guardNotMet({ if_version, if_edit }: Guard, newest: Version | undefined): ArtifactError {
  return versionConflict({ id: "", if_version: if_version ?? null, if_edit, is_listed: false }, newest);
}
