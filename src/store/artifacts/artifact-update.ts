import { type Artifact, checkMetadata, sameStrings, toArtifact } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { checkExpiresIn, isSameExpiry, liveVersions } from "../model/expiry.js";
import { type Guard, isGuardMet } from "../model/guard.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { changedFacts } from "../model/previous-facts.js";
import { type Version, versionNumbered } from "../model/records.js";
import type { Log } from "../ports/log.js";
import type { TransferUrls } from "../ports/transfer-urls.js";
import type { ChangeSignal } from "../publication/change-signal.js";
import { replaceVersion, versionsOf } from "../publication/key-versions.js";
import { logChange } from "../publication/log-change.js";
import type { StoreClock } from "../publication/store-clock.js";
import { type KeyRows, lastNumber, type Rows } from "../rows.js";
import { guardNotMet, unknownVersion } from "./find-version.js";

/** A change of the newest version in place. At least one of `metadata` and `expires_in` is given. */
export interface UpdateArtifact extends Guard {
  readonly bucket: string;
  readonly key: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Sets the given pairs and keeps the others; a pair with an empty text is removed. By default `metadata` replaces all. */
  readonly merge?: boolean | undefined;
  /** Seconds from now to the expiry; null: it never expires. */
  readonly expires_in?: number | null | undefined;
  /** The guard must be met even if the update would change nothing. */
  readonly isStrict?: boolean | undefined;
  /** The name that the caller gave itself, for the log. */
  readonly by?: string | undefined;
}

export interface ArtifactUpdateDependencies {
  readonly rows: Rows;
  readonly signal: ChangeSignal;
  readonly urls: TransferUrls;
  readonly clock: StoreClock;
  readonly log: Log;
  readonly nowSeconds: () => number;
}

/** Changes metadata and expiry of the newest version of a key. */
export class ArtifactUpdate {
  readonly #dependencies: ArtifactUpdateDependencies;

  constructor(dependencies: ArtifactUpdateDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Updates the newest version and raises its `edit`. If the version is already as wanted, returns it as it is, whatever
   * the guard, so that a retry is no conflict. The answer has what the update replaced. The returned edit survives power
   * loss.
   *
   * @throws ArtifactError `artifact_not_found`, `version_conflict`, `invalid_argument`
   */
  async update(wanted: UpdateArtifact): Promise<Artifact> {
    const { rows, signal, urls, clock, log } = this.#dependencies;
    const { bucket, by } = wanted;
    const key = check(wanted);
    for (;;) {
      const expires_at = await clock.expiryAfter(wanted.expires_in ?? undefined);
      const keyRows = await rows.ofKey(bucket, key);
      const { newest, next } = this.#plan({ ...wanted, key }, keyRows, expires_at);
      if (next === newest) return toArtifact(bucket, key, newest, urls);
      const change = rows.begin();
      const text = replaceVersion(change, bucket, key, keyRows, next);
      const isDone = await change.commit(() => this.#wasMade(bucket, key, newest, { old: keyRows, text }));
      if (!isDone) continue;
      logChange(log, "updated", { bucket, key, versions: [next], by });
      signal.announce();
      return { ...toArtifact(bucket, key, next, urls), ...changedFacts(newest, next) };
    }
  }

  /** The newest version, and the version as it is to be: the same object if nothing changes. @throws as `update` does */
  #plan(wanted: UpdateArtifact, keyRows: KeyRows, expires_at: number | undefined) {
    const { bucket, key, isStrict } = wanted;
    const versions = liveVersions(versionsOf(keyRows), this.#dependencies.nowSeconds());
    const [newest] = versions;
    if (newest === undefined) throw unknownVersion(bucket, key, { versions, last: lastNumber(keyRows) });
    const next = updated(newest, wanted, expires_at);
    const needsGuard = next !== newest || isStrict === true;
    if (needsGuard && !isGuardMet(wanted, newest)) throw guardNotMet(wanted, newest);
    return { newest, next };
  }

  /** Finds out whether a change with an unknown outcome was made. Undefined if the row does not tell. */
  async #wasMade(
    bucket: string,
    key: string,
    before: Version,
    { old, text }: { readonly old: KeyRows; readonly text: string | undefined },
  ): Promise<boolean | undefined> {
    const row = await this.#dependencies.rows.artifact(bucket, key);
    if (row?.text === text) return true;
    if (row?.text === old.artifact?.text) return undefined; // it may still be made
    // Another change was made, so this one never will be. It was not made before either if it left no edit behind.
    const now = versionNumbered(row?.value.versions ?? [], before.version);
    return now !== undefined && now.edit === before.edit ? false : undefined;
  }
}

/** Checks an update, and returns its key as it is stored. @throws ArtifactError `invalid_argument` */
function check({ bucket, key, metadata, expires_in }: UpdateArtifact): string {
  checkBucket(bucket);
  const stored = toKey(key);
  if (metadata === undefined && expires_in === undefined) {
    const message = "Nothing is to be changed: give metadata, expires_in, or both.";
    throw new ArtifactError("invalid_argument", message, { details: { argument: "metadata" } });
  }
  checkExpiresIn(expires_in ?? undefined);
  return stored;
}

/** @throws ArtifactError `invalid_argument` for metadata that break the rules */
function updated(newest: Version, wanted: UpdateArtifact, expires_at: number | undefined): Version {
  const metadata = metadataAfter(newest.metadata, wanted);
  const expiry = wanted.expires_in === undefined ? newest.expires_at : expires_at;
  checkMetadata(metadata);
  const isSame = sameStrings(metadata, newest.metadata) && isSameExpiry(newest.expires_at, expiry);
  return isSame ? newest : edited(newest, metadata, expiry);
}

/** The version after an edit, which raises `edit`. */
function edited(version: Version, metadata: Version["metadata"], expires_at: number | undefined): Version {
  const { expires_at: _, ...rest } = version;
  const next = { ...rest, metadata: { ...metadata }, edit: (version.edit ?? 0) + 1 };
  return expires_at === undefined ? next : { ...next, expires_at };
}

function metadataAfter(before: Version["metadata"], { metadata, merge }: UpdateArtifact): Version["metadata"] {
  if (metadata === undefined) return before;
  if (merge !== true) return metadata;
  const merged = new Map([...Object.entries(before), ...Object.entries(metadata)]);
  for (const [name, text] of Object.entries(metadata)) if (text === "") merged.delete(name);
  return Object.fromEntries(merged);
}
