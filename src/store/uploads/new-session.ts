import { checkDigest, checkIdempotencyKey, checkMetadata, sha256Of } from "../model/artifact.js";
import { checkExpiresIn } from "../model/expiry.js";
import { checkMimeType, mimeTypeOf } from "../model/formats/media-type.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import type { SessionRecord } from "../model/records.js";
import { checksumMismatch } from "../model/session-errors.js";
import type { CopySource } from "./copy-source.js";

export interface CreateUpload {
  readonly bucket: string;
  /** The session's id by default. */
  readonly key?: string | undefined;
  /** The key must be free. If an artifact or another upload has it, the upload gets the key `<session id>/<key>`. */
  readonly isOwnKey?: boolean | undefined;
  readonly mime_type?: string | undefined;
  /** Bytes of the whole content. An upload without a size ends with `complete`. */
  readonly size?: number | undefined;
  /** SHA-256 of the whole content, 64 lower-case hex. */
  readonly sha256?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  /** The `edit` that the version `if_version` must have; 0 if absent. */
  readonly if_edit?: number | undefined;
  /** Seconds from the publication to the expiry of the version. It does not expire by default. */
  readonly expires_in?: number | undefined;
  /** The guard holds even if the newest version has the same content. */
  readonly isStrict?: boolean | undefined;
  /** The same request with the same idempotency key answers the session that the first one created. */
  readonly idempotency_key?: string | undefined;
  /** The name that the creator gave itself. */
  readonly saved_by?: string | undefined;
  /** A new version gets this number, if the key has not given out as high a number yet. */
  readonly least_version?: number | undefined;
  /** Always creates a session, even if the same request has created one before. */
  readonly isNew?: boolean | undefined;
  /**
   * The upload begins with the content of this version. Its type and metadata are those of the version unless given. If
   * it is of the same key, the guard is that version, unless a guard is given.
   */
  readonly from?: CopySource | undefined;
  /**
   * The guard is checked only when the content is there. For a caller that may repeat an upload that was published: its
   * content is the newest version then, whatever the guard says.
   */
  readonly checksGuardAtEnd?: boolean | undefined;
}

/** What a new session gets from the store, not from its request. Times in unix seconds. */
export interface SessionStart {
  readonly id: string;
  readonly is_listed: boolean;
  /** The last version number of the key, if the upload needs no bytes; else null. */
  readonly over: number | null;
  readonly created_at: number;
  readonly expires_at: number;
}

/** The names under which an upload will be published. */
export interface UploadNames {
  readonly key: string;
  readonly mime_type: string;
}

/**
 * Checks a request and returns the key and media type of its session.
 *
 * @param id the session's id
 * @throws ArtifactError `invalid_argument`, `checksum_mismatch`
 */
export function checkRequest(upload: CreateUpload, id: string): UploadNames {
  const { bucket, size, sha256, idempotency_key, expires_in, metadata = {} } = upload;
  const key = toKey(upload.key ?? id);
  const mime_type = upload.mime_type ?? mimeTypeOf(key, "application/octet-stream");
  checkBucket(bucket);
  checkMimeType(mime_type);
  checkMetadata(metadata);
  checkExpiresIn(expires_in);
  checkDigest("sha256", sha256);
  checkIdempotencyKey(idempotency_key);
  if (size === 0 && sha256 !== undefined && sha256 !== emptyDigest) {
    const kept = "No session was created.";
    throw checksumMismatch(sha256, emptyDigest, "empty content", { next: "create_with_digest" }, kept);
  }
  return { key, mime_type };
}

/** The record of a new session for a request that was checked. */
export function newSession(upload: CreateUpload, names: UploadNames, start: SessionStart): SessionRecord {
  const { bucket, size, sha256, if_version, if_edit, isStrict, idempotency_key, saved_by, expires_in } = upload;
  const { metadata = {}, least_version } = upload;
  const { id, is_listed, over, created_at, expires_at } = start;
  const { key, mime_type } = names;
  return {
    id,
    is_listed,
    bucket,
    key,
    mime_type,
    metadata,
    size: size ?? null,
    sha256: sha256 ?? null,
    if_version: if_version ?? null,
    ...(if_version !== undefined && if_edit ? { if_edit } : {}),
    ...(isStrict ? { is_strict: true } : {}),
    ...(idempotency_key === undefined ? {} : { idempotency_key, request: requestDigest(upload, mime_type) }),
    ...(saved_by === undefined ? {} : { saved_by }),
    ...(least_version === undefined ? {} : { least_version }),
    ...(expires_in === undefined ? {} : { expires_in }),
    status: "open",
    offset: 0,
    pieces: [],
    digest: null,
    over,
    artifact: null,
    created_at,
    updated_at: created_at,
    expires_at,
  };
}

export const emptyDigest = sha256Of("");

/**
 * A digest that is equal for two requests that ask for the same session. It does not contain the number that a strict
 * guard stands for: that number comes from the newest version, which has changed once the first request was answered.
 */
function requestDigest(
  { size, sha256, if_version, if_edit, isStrict, metadata = {}, from, expires_in }: CreateUpload,
  mime_type: string,
): string {
  const source = from && [from.bucket, from.key, from.version ?? null];
  const about = Object.entries(metadata).sort();
  const guard = isStrict ? "strict" : [if_version, if_edit ?? 0];
  return sha256Of(JSON.stringify([mime_type, size, sha256, guard, about, source, expires_in]));
}
