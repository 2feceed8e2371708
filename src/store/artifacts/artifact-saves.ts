import {
  type Artifact,
  checkIdempotencyKey,
  checkMetadata,
  type DescribedContent,
  sha256Of,
  toArtifact,
} from "../model/artifact.js";
import { checkExpiresIn, liveVersions } from "../model/expiry.js";
import { checkMimeType, mimeTypeOf } from "../model/formats/media-type.js";
import type { PieceLimits } from "../model/limits.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { lostFacts, type PreviousFacts, previousFactsIn } from "../model/previous-facts.js";
import { type Publication, planPublication } from "../model/publication-plan.js";
import { type Piece, type Version, versionOf } from "../model/records.js";
import { artifactTooLarge, chunkTooLarge, idempotencyConflict } from "../model/session-errors.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import type { Log } from "../ports/log.js";
import type { TransferUrls } from "../ports/transfer-urls.js";
import type { ChangeSignal } from "../publication/change-signal.js";
import { addVersion, replaceVersion, versionsOf } from "../publication/key-versions.js";
import { logChange, logUnchanged } from "../publication/log-change.js";
import { type Quota, storedIn } from "../publication/quota.js";
import type { StoreClock } from "../publication/store-clock.js";
import type { KeyRows, Rows } from "../rows.js";
import type { Uploads } from "../uploads/uploads.js";
import { guardNotMet } from "./find-version.js";

export interface SaveArtifact {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, 64 lower-case hex, if the caller has computed it from these very bytes. */
  readonly sha256?: string | undefined;
  /** By default the type that the key's extension tells, else `defaultMimeType`. */
  readonly mime_type?: string | undefined;
  readonly defaultMimeType: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  /** The `edit` that the version `if_version` must have; 0 if absent. */
  readonly if_edit?: number | undefined;
  /** Seconds from now to the expiry of the version. It does not expire by default. */
  readonly expires_in?: number | undefined;
  /** The guard must be met even if the newest version is the same already. */
  readonly isStrict?: boolean | undefined;
  /** A request whose idempotency key a version of this artifact remembers is answered with that version. */
  readonly idempotency_key?: string | undefined;
  /** The name that the saver gave itself. */
  readonly saved_by?: string | undefined;
  /** A new version gets this number, if the key has not given out as high a number yet. */
  readonly least_version?: number | undefined;
}

export interface ArtifactSavesDependencies {
  readonly rows: Rows;
  readonly uploads: Uploads;
  readonly freed: FreedPieces;
  readonly quota: Quota;
  readonly signal: ChangeSignal;
  readonly urls: TransferUrls;
  readonly clock: StoreClock;
  readonly log: Log;
  readonly nowSeconds: () => number;
  readonly createdAt: (bucket: string) => number;
  readonly newId: () => string;
  readonly keepVersions: number;
  readonly pieceLimits: PieceLimits;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
}

/** Saves content that comes in one call. */
export class ArtifactSaves {
  readonly #dependencies: ArtifactSavesDependencies;

  constructor(dependencies: ArtifactSavesDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Saves a new version. If the newest version has the same content, type, metadata and expiry already, it makes no
   * version and returns that one as it is, marked `already_saved`. The returned version survives power loss.
   *
   * @throws ArtifactError `version_conflict`, `idempotency_conflict`, `too_large`, `storage_full`
   */
  async save(wanted: SaveArtifact): Promise<Artifact> {
    const { quota, uploads, pieceLimits } = this.#dependencies;
    const { bytes } = wanted;
    const key = this.check(wanted, bytes.length);
    const content: DescribedContent = {
      sha256: wanted.sha256 ?? sha256Of(bytes),
      bytes: bytes.length,
      metadata: wanted.metadata ?? {},
      mime_type: wanted.mime_type ?? mimeTypeOf(key, wanted.defaultMimeType),
    };
    const save = { ...wanted, key };
    const found = await this.#findExisting(save, content);
    if ("artifact" in found) return found.artifact;
    if (bytes.length <= pieceLimits.maxRowPieceBytes) {
      return quota.during(storedIn(save.bucket, bytes.length), () => this.#saveInRow(save, content, found.keyRows));
    }
    const record = await uploads.saveWhole({ ...save, mime_type: content.mime_type }, bytes);
    const { id, artifact } = record;
    if (artifact === null) throw new Error(`save ${id} is not complete`);
    if (artifact.session !== id) return { ...this.#answer(save, artifact), already_saved: true };
    return this.#answer(save, artifact, previousFactsIn(record));
  }

  /**
   * Checks a save before its bytes are fetched.
   *
   * @param bytes the length of the content
   * @returns the key as it will be stored
   * @throws ArtifactError `invalid_argument`, `too_large`
   */
  check(wanted: Omit<SaveArtifact, "bytes">, bytes: number): string {
    const { maxChunkBytes, maxArtifactBytes } = this.#dependencies;
    const { bucket, mime_type, metadata = {}, idempotency_key, expires_in } = wanted;
    checkBucket(bucket);
    const key = toKey(wanted.key);
    if (mime_type !== undefined) checkMimeType(mime_type);
    checkMetadata(metadata);
    checkExpiresIn(expires_in);
    checkIdempotencyKey(idempotency_key);
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
    if (bytes > maxChunkBytes) throw chunkTooLarge(bytes, maxChunkBytes, "upload_in_chunks");
    return key;
  }

  #answer({ bucket, key }: SaveArtifact, version: Version, previous: PreviousFacts = {}): Artifact {
    return { ...toArtifact(bucket, key, version, this.#dependencies.urls), ...previous };
  }

  #alreadySaved(save: SaveArtifact, version: Version): Artifact {
    logUnchanged(this.#dependencies.log, save.bucket, save.key, version);
    return { ...this.#answer(save, version), already_saved: true };
  }

  /** Answers a save that makes no version, or returns the rows from which it makes one. @throws as `save` does */
  async #findExisting(save: SaveArtifact, content: DescribedContent): Promise<Existing> {
    const { rows, clock, signal, nowSeconds } = this.#dependencies;
    const { bucket, key } = save;
    for (;;) {
      const publication = publicationOf(save, content, await clock.expiryAfter(save.expires_in));
      const keyRows = await rows.ofKey(bucket, key);
      const plan = planPublication(versionsOf(keyRows), publication, nowSeconds());
      if (plan.kind === "new") return { keyRows };
      if (plan.kind === "key used") throw idempotencyConflict(bucket, key, plan.version);
      if (plan.kind === "conflict") throw guardNotMet(save, liveVersions(versionsOf(keyRows), nowSeconds())[0]);
      const { version, next } = plan;
      if (next === version) return { artifact: this.#alreadySaved(save, version) };
      const change = rows.begin();
      replaceVersion(change, bucket, key, keyRows, next);
      if (!(await change.commit())) continue;
      signal.announce();
      return { artifact: this.#alreadySaved(save, next) };
    }
  }

  /**
   * Writes piece and version in one change.
   *
   * @param read the key's rows, from which a new version follows; if they are out of date, the change is not made
   */
  async #saveInRow(save: SaveArtifact, content: DescribedContent, read: KeyRows): Promise<Artifact> {
    const { rows, newId, signal, freed, clock, log, nowSeconds } = this.#dependencies;
    const { bucket, key, bytes, saved_by, idempotency_key, least_version } = save;
    const session = newId();
    for (let keyRows = read; ; ) {
      const change = rows.begin();
      const piece: Piece = { name: `0-${newId().slice(0, 16)}`, bytes: bytes.length, in_row: true };
      const pieces = bytes.length === 0 ? [] : [piece];
      if (bytes.length > 0) change.putPiece(session, piece, bytes);
      const expires_at = await clock.expiryAfter(save.expires_in);
      const made = { session, pieces, content, expires_at, saved_by, idempotency_key, least_version };
      const { version, dropped } = addVersion(change, { bucket, key, rows: keyRows }, made, this.#dependencies);
      const freedRow = change.free(dropped);
      const isDone = await change.commit(
        async () => versionOf(await rows.artifact(bucket, key), session) !== undefined || undefined,
      );
      if (isDone) {
        logChange(log, "saved", { bucket, key, versions: [version], by: saved_by, removed: dropped.length });
        signal.announce();
        await freed.remove(freedRow);
        return this.#answer(save, version, lostFacts(versionsOf(keyRows), version, nowSeconds()));
      }
      const now = await this.#findExisting(save, content);
      if ("artifact" in now) return now.artifact;
      keyRows = now.keyRows;
    }
  }
}

/** The answer of a save, or the rows of its key. */
type Existing = { readonly artifact: Artifact } | { readonly keyRows: KeyRows };

function publicationOf(
  { if_version, if_edit, isStrict, idempotency_key }: SaveArtifact,
  content: DescribedContent,
  expires_at: number | undefined,
): Publication {
  return { content, expires_at, if_version, if_edit, is_strict: isStrict ? true : undefined, idempotency_key };
}
