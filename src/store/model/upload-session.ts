import { type Artifact, toArtifact } from "./artifact.js";
import { ArtifactError } from "./errors.js";
import type { Links } from "./links.js";
import type { SessionRecord, Version } from "./rows.js";

export type UploadStatus = SessionRecord["status"];

/** An upload as every face shows it. `offset`, `size` in bytes; times in unix seconds. */
export interface UploadSession {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly mime_type: string;
  /** Where bytes can be sent over HTTP; the session as an MCP resource where nothing listens. */
  readonly url: string;
  /** Bytes stored for good: where the next chunk goes on. */
  readonly offset: number;
  /** Null where the upload ends with `complete_upload_session`. */
  readonly size: number | null;
  readonly status: UploadStatus;
  /** The guard that its completion has to meet, if any. */
  readonly if_version?: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly artifact?: Artifact;
}

export function uploadUri(id: string): string {
  return `artifact-upload://${id}`;
}

export function toUploadSession(
  record: SessionRecord,
  links: Links,
  status: UploadStatus = record.status,
): UploadSession {
  const { id, bucket, key, mime_type, offset, size, if_version, created_at, expires_at, artifact } = record;
  const url = links.upload(id) ?? uploadUri(id);
  const guard = if_version === null ? {} : { if_version };
  const session = { id, bucket, key, mime_type, url, offset, size, status, ...guard, created_at, expires_at };
  return artifact === null ? session : { ...session, artifact: toArtifact(bucket, key, artifact, links) };
}

/** The status at this moment: an upload that nobody ended expires by the clock. */
export function statusAt(record: SessionRecord, nowSeconds: number): UploadStatus {
  const mayExpire = record.status === "open" || record.status === "held";
  return mayExpire && nowSeconds >= record.expires_at ? "expired" : record.status;
}

/** Whether a session still has bytes: what it names is its own. */
export function isUnfinished({ status }: SessionRecord): boolean {
  return status === "open" || status === "completing" || status === "held";
}

/** Every declared byte is there: what is left to do is to publish. */
export function isFull(record: SessionRecord): boolean {
  return record.offset === record.size;
}

/** Bytes can still come, and nothing is to be published before they have. */
export function takesMore(record: SessionRecord): boolean {
  return record.status === "open" && !isFull(record);
}

/**
 * What an append of `length` bytes at `offset` asks for: the first `overlap` bytes must equal those stored, the
 * rest is new.
 *
 * @throws ArtifactError `offset_conflict`, `size_exceeded`, `session_closed`, `session_expired`
 */
export function planAppend(record: SessionRecord, offset: number, length: number): { overlap: number } {
  if (record.status === "aborted" || record.status === "expired") throw closedError(record);
  const end = offset + length;
  if (offset > record.offset) {
    throw offsetConflict(
      record,
      `offset ${offset} leaves a gap: ${record.offset} bytes are stored, and what comes between is missing`,
    );
  }
  if (record.size !== null && end > record.size) {
    const next =
      record.status === "open"
        ? `${record.size - record.offset} bytes are missing from offset ${record.offset}. If the content is larger than that, size was wrong (it counts bytes, not characters): create a session without size, upload all of it there, and abort this one.`
        : "All declared bytes are there, nothing is missing. To save other content under the same key, create a new session.";
    throw new ArtifactError(
      "size_exceeded",
      `The chunk would end at byte ${end}, past the declared size of ${record.size}. Nothing of it was kept. ${next}`,
      { session_id: record.id, offset: record.offset, size: record.size },
    );
  }
  if (record.status !== "open" && end > record.offset) throw closedError(record);
  return { overlap: Math.min(length, record.offset - offset) };
}

/** Every one carries the offset to go on from. */
export function offsetConflict(
  record: SessionRecord,
  what: string,
  kept = " Nothing of this chunk was kept.",
): ArtifactError {
  return new ArtifactError(
    "offset_conflict",
    `${what}.${kept} Go on with offset ${record.offset}: the content that comes after the first ${record.offset} bytes (bytes, not characters).`,
    { session_id: record.id, offset: record.offset, size: record.size },
  );
}

/** How an upload that is held goes on. */
export function heldNext(if_version: number | undefined): string {
  return if_version === undefined
    ? "This upload has all its bytes and is held, since the key changed while its completion was interrupted. Call complete_upload_session to publish it all the same, or abort_upload_session."
    : `This upload has all its bytes and is held, since its if_version, ${if_version}, was not met. Call complete_upload_session with the key's newest version as if_version (get_artifact tells it; 0 where it finds nothing) to publish on top, or abort_upload_session.`;
}

/** Why a session takes no more calls of this kind, and what to do instead. */
export function closedError(record: SessionRecord): ArtifactError {
  const details = { session_id: record.id, status: record.status };
  switch (record.status) {
    case "expired":
      return new ArtifactError(
        "session_expired",
        "This upload session has expired and its bytes are gone. Create a new one with create_upload_session and upload from offset 0.",
        details,
      );
    case "aborted":
      return new ArtifactError(
        "session_closed",
        "This upload session was aborted and its bytes are gone. Create a new one with create_upload_session.",
        details,
      );
    case "complete":
      return new ArtifactError(
        "session_closed",
        "This upload is complete: its artifact is published and stays. To save other content under the same key, create a new session; to remove the artifact, use delete_artifact.",
        details,
      );
    case "held":
      return new ArtifactError("session_closed", heldNext(record.if_version ?? undefined), details);
    default:
      return new ArtifactError(
        "session_closed",
        `This upload takes no more bytes, it is ${record.status}. Ask get_upload_session for its state.`,
        details,
      );
  }
}

export function versionConflict(record: SessionRecord, newest: number): ArtifactError {
  const is = newest === 0 ? "the key does not exist" : `the key's newest version is ${newest}`;
  const look = newest === 0 ? "Nothing was saved: save" : "Nothing was saved. Look at it with get_artifact, then save";
  const next =
    record.origin === "save"
      ? `${look} again with if_version ${newest}, or without if_version.`
      : `The uploaded bytes are kept: call complete_upload_session with if_version ${newest} to publish them on top, or abort_upload_session.`;
  const wanted = record.if_version ?? 0;
  const session = record.origin === "save" ? {} : { session_id: record.id };
  return new ArtifactError("version_conflict", `if_version is ${wanted}, but ${is}. ${next}`, {
    ...session,
    if_version: wanted,
    version: newest,
  });
}

/** Algorithms of digests, as Node's crypto has them, and as people do. */
const digestNames = { sha256: "SHA-256", sha512: "SHA-512", sha1: "SHA-1", md5: "MD5" } as const;
export type DigestAlgorithm = keyof typeof digestNames;

/**
 * @param offset where the upload goes on, where the failure has changed it
 */
export function checksumMismatch(
  expected: string,
  actual: string,
  what: string,
  next: string,
  offset?: number,
  algorithm: DigestAlgorithm = "sha256",
): ArtifactError {
  const name = digestNames[algorithm];
  return new ArtifactError("checksum_mismatch", `The ${name} of ${what} is ${actual}, not ${expected}. ${next}`, {
    expected,
    actual,
    ...(offset === undefined ? {} : { offset }),
  });
}

/** @throws ArtifactError `checksum_mismatch` where the content is known to have another digest than `sha256` */
export function checkPromise({ artifact, sealed, sha256: promised }: SessionRecord, sha256: string | undefined): void {
  const known = artifact?.sha256 ?? sealed?.sha256 ?? promised ?? undefined;
  if (sha256 === undefined || known === undefined || sha256 === known) return;
  const next =
    "Nothing of this call was kept. Send what belongs to that content; for other content, create another session (and abort this one, if it is unfinished).";
  throw checksumMismatch(sha256, known, "the content that this upload is for", next);
}

/** The session once its content is published as `version`. */
export function completed(record: SessionRecord, version: Version): SessionRecord {
  return { ...record, status: "complete", segments: [], artifact: version };
}

/** Whether `if_version` allows a new version on top of the newest; undefined means that the key does not exist. */
export function isGuardMet({ if_version }: SessionRecord, newest: Version | undefined): boolean {
  return if_version === null || if_version === (newest?.version ?? 0);
}

/** Whether publishing this sealed session would make the version that is there already. */
export function isIdentical(version: Version, record: SessionRecord): boolean {
  return (
    version.sha256 === record.sealed?.sha256 &&
    version.bytes === record.offset &&
    version.mime_type === record.mime_type &&
    sameStrings(version.metadata, record.metadata)
  );
}

function sameStrings(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

export function unknownSession(id: string): ArtifactError {
  return new ArtifactError(
    "session_not_found",
    "There is no upload session with this id. Find it again with list_upload_sessions (by bucket and key), or create one with create_upload_session.",
    { session_id: id.slice(0, 100) },
  );
}

export function incomplete({ id, offset }: SessionRecord, size: number): ArtifactError {
  return new ArtifactError(
    "incomplete",
    `${offset} of ${size} bytes are stored. Upload the rest from offset ${offset}, or abort and create a session without size.`,
    { session_id: id, offset, size },
  );
}
