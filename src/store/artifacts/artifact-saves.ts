import {
  type Artifact,
  checkIdempotencyKey,
  checkMetadata,
  type DescribedContent,
  sha256Of,
  toArtifact,
} from "../model/artifact.js";
import type { PieceLimits } from "../model/limits.js";
import { checkMimeType, mimeTypeOf } from "../model/media-type.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { planPublication, withIdempotencyKey } from "../model/publication-plan.js";
import { type Piece, type Version, versionOf } from "../model/records.js";
import { artifactTooLarge, chunkTooLarge, idempotencyConflict } from "../model/session-errors.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import type { TransferUrls } from "../ports/transfer-urls.js";
import type { ChangeSignal } from "../publication/change-signal.js";
import { addVersion, replaceVersion, versionsOf } from "../publication/key-versions.js";
import type { Quota } from "../publication/quota.js";
import type { KeyRows, Rows } from "../rows.js";
import type { Uploads } from "../uploads/uploads.js";
import { guardNotMet } from "./find-version.js";

export interface SaveArtifact {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** By default the type that the key's extension tells, else `defaultMimeType`. */
  readonly mime_type?: string | undefined;
  readonly defaultMimeType: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  /** The guard holds even if the newest version has the same content. */
  readonly isStrict?: boolean | undefined;
  /** A request whose idempotency key a version of this artifact remembers is answered with that version. */
  readonly idempotency_key?: string | undefined;
  /** The name that the saver gave itself. */
  readonly saved_by?: string | undefined;
}

export interface ArtifactSavesDependencies {
  readonly rows: Rows;
  readonly uploads: Uploads;
  readonly freed: FreedPieces;
  readonly quota: Quota;
  readonly signal: ChangeSignal;
  readonly urls: TransferUrls;
  readonly nowSeconds: () => number;
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
   * Saves a new version. If the newest version has the same content, type and metadata already, it makes no version and
   * returns that one, marked `already_saved`. The returned version survives power loss.
   *
   * @throws ArtifactError `version_conflict`, `idempotency_conflict`, `too_large`, `storage_full`
   */
  async save(wanted: SaveArtifact): Promise<Artifact> {
    const { quota, uploads, pieceLimits } = this.#dependencies;
    const { bytes } = wanted;
    const key = this.check(wanted, bytes.length);
    const content: DescribedContent = {
      sha256: sha256Of(bytes),
      bytes: bytes.length,
      metadata: wanted.metadata ?? {},
      mime_type: wanted.mime_type ?? mimeTypeOf(key, wanted.defaultMimeType),
    };
    const save = { ...wanted, key };
    const found = await this.#findExisting(save, content);
    if ("artifact" in found) return found.artifact;
    if (bytes.length <= pieceLimits.maxRowPieceBytes) {
      return quota.during({ storedBytes: bytes.length }, () => this.#saveInRow(save, content, found.keyRows));
    }
    const { id, artifact } = await uploads.saveWhole({ ...save, mime_type: content.mime_type }, bytes);
    if (artifact === null) throw new Error(`save ${id} is not complete`);
    return this.#answer(save, artifact, artifact.session !== id);
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
    const { bucket, mime_type, metadata = {}, idempotency_key } = wanted;
    checkBucket(bucket);
    const key = toKey(wanted.key);
    if (mime_type !== undefined) checkMimeType(mime_type);
    checkMetadata(metadata);
    checkIdempotencyKey(idempotency_key);
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
    if (bytes > maxChunkBytes) throw chunkTooLarge(bytes, maxChunkBytes, "upload_in_chunks");
    return key;
  }

  #answer({ bucket, key }: SaveArtifact, version: Version, isAlreadySaved: boolean): Artifact {
    const artifact = toArtifact(bucket, key, version, this.#dependencies.urls);
    return isAlreadySaved ? { ...artifact, already_saved: true } : artifact;
  }

  /** Answers a save that makes no version, or returns the rows from which it makes one. @throws as `save` does */
  async #findExisting(save: SaveArtifact, content: DescribedContent): Promise<Existing> {
    const { rows } = this.#dependencies;
    const { bucket, key, if_version, idempotency_key } = save;
    for (;;) {
      const keyRows = await rows.ofKey(bucket, key);
      const plan = planPublication(versionsOf(keyRows), publicationOf(save, content));
      if (plan.kind === "new") return { keyRows };
      if (plan.kind === "key used") throw idempotencyConflict(bucket, key, plan.version);
      if (plan.kind === "conflict") throw guardNotMet(if_version, versionsOf(keyRows)[0]);
      const answered = withIdempotencyKey(plan.version, idempotency_key);
      if (answered === plan.version) return { artifact: this.#answer(save, plan.version, true) };
      const change = rows.begin();
      replaceVersion(change, bucket, key, keyRows, answered);
      if (await change.commit()) return { artifact: this.#answer(save, answered, true) };
    }
  }

  /**
   * Writes piece and version in one change.
   *
   * @param read the key's rows, from which a new version follows; if they are out of date, the change is not made
   */
  async #saveInRow(save: SaveArtifact, content: DescribedContent, read: KeyRows): Promise<Artifact> {
    const { rows, newId, signal, freed } = this.#dependencies;
    const { bucket, key, bytes, saved_by, idempotency_key } = save;
    const session = newId();
    for (let keyRows = read; ; ) {
      const change = rows.begin();
      const piece: Piece = { name: `0-${newId().slice(0, 16)}`, bytes: bytes.length, in_row: true };
      const pieces = bytes.length === 0 ? [] : [piece];
      if (bytes.length > 0) change.putPiece(session, piece, bytes);
      const made = { session, pieces, content, saved_by, idempotency_key };
      const { version, dropped } = addVersion(change, { bucket, key, rows: keyRows }, made, this.#dependencies);
      const freedRow = change.free(dropped);
      const isDone = await change.commit(
        async () => versionOf(await rows.artifact(bucket, key), session) !== undefined || undefined,
      );
      if (isDone) {
        signal.announce();
        await freed.remove(freedRow);
        return this.#answer(save, version, false);
      }
      const now = await this.#findExisting(save, content);
      if ("artifact" in now) return now.artifact;
      keyRows = now.keyRows;
    }
  }
}

/** The answer of a save, or the rows of its key. */
type Existing = { readonly artifact: Artifact } | { readonly keyRows: KeyRows };

function publicationOf({ if_version, isStrict, idempotency_key }: SaveArtifact, content: DescribedContent) {
  const is_strict = isStrict ? (true as const) : undefined;
  return { content, if_version: if_version ?? null, is_strict, idempotency_key };
}
