import { type Artifact, toArtifact } from "../model/artifact.js";
import { hasExpired } from "../model/expiry.js";
import { type Guard, isGuardMet } from "../model/guard.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import type { Version } from "../model/records.js";
import { noTransferUrls } from "../ports/transfer-urls.js";
import type { Ender } from "../publication/ender.js";
import { versionsOf } from "../publication/key-versions.js";
import { type Quota, storedIn } from "../publication/quota.js";
import { type KeyRows, lastNumber } from "../rows.js";
import { guardNotMet, unknownVersion } from "./find-version.js";

export interface DeleteArtifact extends Guard {
  /** All versions by default. */
  readonly version?: number | undefined;
  /** The name that the caller gave itself, for the log. */
  readonly by?: string | undefined;
}

/** The version that was deleted, or the newest of all that were. */
export interface DeletedArtifact extends Artifact {
  readonly deleted_versions: number;
  /** The last version number that was given to the key. No number is given twice. */
  readonly last_version: number;
}

/** The answer of a deletion that found nothing to delete: it was there once. */
export interface AlreadyDeleted {
  readonly bucket: string;
  readonly key: string;
  readonly version?: number;
  readonly already_deleted: true;
}

export interface ArtifactDeletionDependencies {
  readonly ender: Ender;
  readonly quota: Quota;
  readonly nowSeconds: () => number;
}

/** Deletes artifacts and versions. */
export class ArtifactDeletion {
  readonly #dependencies: ArtifactDeletionDependencies;

  constructor(dependencies: ArtifactDeletionDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Deletes one version, or all. When it resolves, the space is free and the deletion survives power loss. What is gone
   * already is no error, and no guard is checked for it: a retry gets the same result.
   *
   * @throws ArtifactError `artifact_not_found` if the key or the version has never existed; `version_conflict`
   */
  async delete(
    bucket: string,
    name: string,
    { version, by, ...guard }: DeleteArtifact = {},
  ): Promise<DeletedArtifact | AlreadyDeleted> {
    const { ender, nowSeconds } = this.#dependencies;
    checkBucket(bucket);
    const key = toKey(name);
    let isGone = false;
    let last_version = 0;
    const choose = (rows: KeyRows): readonly Version[] => {
      const versions = versionsOf(rows);
      const [newest] = versions;
      const chosen = versions.filter((known) => version === undefined || known.version === version);
      last_version = lastNumber(rows);
      // An expired key is gone for every reader. Its bytes may still be there, and go now.
      const isExpired = hasExpired(newest, nowSeconds());
      isGone = chosen.length === 0 || isExpired;
      if (chosen.length === 0) checkWasThere(bucket, key, rows, version);
      // Without its newest version, an expired key would be there again with an older one.
      if (isExpired && version !== undefined) return [];
      if (isGuardMet(guard, newest)) return chosen;
      if (!isGone) throw guardNotMet(guard, newest);
      return [];
    };
    const deleted = await ender.deleteVersions(bucket, key, choose, by);
    const bytes = deleted.reduce((sum, version) => sum + version.bytes, 0);
    this.#dependencies.quota.freed(storedIn(bucket, bytes));
    const [first] = deleted;
    if (isGone || first === undefined) {
      return { bucket, key, ...(version === undefined ? {} : { version }), already_deleted: true };
    }
    return { ...toArtifact(bucket, key, first, noTransferUrls), deleted_versions: deleted.length, last_version };
  }
}

/** @throws ArtifactError `artifact_not_found` if no such version was ever there */
function checkWasThere(bucket: string, key: string, rows: KeyRows, version: number | undefined): void {
  const last = lastNumber(rows);
  if (last === 0 || (version ?? 0) > last) {
    throw unknownVersion(bucket, key, { versions: versionsOf(rows), last }, version);
  }
}
