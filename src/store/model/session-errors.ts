import { count, countIs } from "./count.js";
import { ArtifactError } from "./errors.js";
import { type Guard, guardText } from "./guard.js";
import { quote } from "./quote.js";
import type { SessionRecord, Version } from "./records.js";

/**
 * Every `offset_conflict` carries the offset to continue from. Nothing continues a complete upload.
 *
 * @param what the first sentence of the message
 */
export function offsetConflict({ id, offset, size, status }: SessionRecord, what: string): ArtifactError {
  return new ArtifactError("offset_conflict", `${what} ${countIs(offset, "byte")} stored.`, {
    next: status === "complete" ? "use_published" : "continue_at_offset",
    details: { session_id: id, offset, size },
  });
}

/**
 * Bytes were sent again, and differ from the stored ones. A writer has retyped a chunk and goes on, or a file is another
 * one than before: each face says what its callers mean more often.
 *
 * @param differs_at the offset of the first byte that differs
 */
export function contentDiffers(
  { id, offset, size, status, if_version, if_edit }: SessionRecord,
  differs_at: number,
): ArtifactError {
  const message = `The bytes that were sent differ from what is stored, from byte ${differs_at} on, and were not kept.`;
  const guard = if_version === null ? {} : { if_version: guardText({ version: if_version, edit: if_edit }) };
  return new ArtifactError("offset_conflict", message, {
    next: status === "complete" ? "use_published" : "check_content",
    details: { session_id: id, offset, size, differs_at, ...guard },
  });
}

/**
 * Checks a call that says that the content ends at byte `end`. If more bytes are stored, they are not the content that
 * the caller wants to publish.
 *
 * @throws ArtifactError `offset_conflict`
 */
export function checkEnd({ id, offset, size, status }: SessionRecord, end: number): void {
  if (end >= offset) return;
  const message = `The content that was sent ends at byte ${end}, and ${countIs(offset, "byte")} stored. Nothing was changed.`;
  throw new ArtifactError("offset_conflict", message, {
    next: status === "complete" ? "use_published" : "check_content",
    details: { session_id: id, offset, size, differs_at: end },
  });
}

/** The error for a call that the session's status does not allow any more. */
export function closedError(record: SessionRecord): ArtifactError {
  const details = { session_id: record.id, status: record.status };
  switch (record.status) {
    case "expired": {
      const message = "This upload session has expired and takes no more bytes.";
      return new ArtifactError("session_expired", message, { next: "create_session", details });
    }
    case "aborted": {
      const message = "This upload session was aborted and its bytes are gone.";
      return new ArtifactError("session_closed", message, { next: "create_session", details });
    }
    case "complete": {
      const message = "This upload is complete: its artifact is published and stays.";
      return new ArtifactError("session_closed", message, { next: "use_published", details });
    }
    default:
      return conflictError(record);
  }
}

/** The error for a session with status `conflict`: it has all its bytes and was not published. */
export function conflictError(record: SessionRecord): ArtifactError {
  const { id, status, if_version, if_edit } = record;
  const why =
    if_version === null
      ? "the key got a newer version while the completion was interrupted"
      : `its if_version, ${guardText({ version: if_version, edit: if_edit })}, was not met`;
  return new ArtifactError("session_closed", `This upload has all its bytes and is not published: ${why}.`, {
    next: "resolve_conflict",
    details: { session_id: id, status },
  });
}

/** @param newest undefined if the key does not exist */
export function versionConflict(
  record: Pick<SessionRecord, "id" | "if_version" | "if_edit" | "is_listed">,
  newest: Version | undefined,
): ArtifactError {
  const { id, if_version, if_edit, is_listed } = record;
  const is = newest === undefined ? "the key does not exist" : `the newest version of the key is ${guardText(newest)}`;
  const what =
    if_version === null
      ? "The key got a newer version meanwhile"
      : `if_version is ${guardText({ version: if_version, edit: if_edit })}`;
  const joint = if_version === null ? ":" : ", but";
  const kept = is_listed ? "The uploaded bytes are kept." : "Nothing was changed.";
  return new ArtifactError("version_conflict", `${what}${joint} ${is}. ${kept}`, {
    next: is_listed ? "resolve_conflict" : "save_on_newest",
    details: {
      ...(is_listed ? { session_id: id } : {}),
      if_version,
      ...(if_edit === undefined ? {} : { if_edit }),
      version: newest?.version ?? 0,
      ...(newest?.edit === undefined ? {} : { edit: newest.edit }),
    },
  });
}

/**
 * The error for a session that is not created, because its guard is not met.
 *
 * @param isOfSource the guard is the version that the upload would begin with
 */
export function notCreated(guard: Guard, newest: Version | undefined, isOfSource: boolean): ArtifactError {
  const { if_version = null, if_edit = 0 } = guard;
  const is = newest === undefined ? "the key does not exist" : `the newest version of the key is ${guardText(newest)}`;
  const text = guardText({ version: if_version ?? 0, edit: if_edit });
  const what = isOfSource
    ? `The upload would begin with version ${text}, and is for no other`
    : `if_version is ${text}`;
  return new ArtifactError("version_conflict", `${what}, but ${is}. No session was created.`, {
    next: "create_on_newest",
    details: {
      if_version,
      ...(if_edit === 0 ? {} : { if_edit }),
      version: newest?.version ?? 0,
      ...(newest?.edit === undefined ? {} : { edit: newest.edit }),
    },
  });
}

/** Digest algorithms: the name in Node's crypto, and the name for people. */
const digestNames = { sha256: "SHA-256", sha512: "SHA-512", sha1: "SHA-1", md5: "MD5" } as const;
export type DigestAlgorithm = keyof typeof digestNames;

export interface MismatchOptions {
  readonly next: "send_again" | "correct_digest" | "create_with_digest" | "use_published";
  readonly details?: { readonly session_id?: string; readonly offset?: number };
  readonly algorithm?: DigestAlgorithm;
}

/**
 * @param what the content that was digested, as a noun for the message
 * @param kept a whole sentence that says what was kept
 */
export function checksumMismatch(
  expected: string,
  actual: string,
  what: string,
  { next, details, algorithm = "sha256" }: MismatchOptions,
  kept: string,
): ArtifactError {
  const message = `The ${digestNames[algorithm]} of ${what} is ${actual}, not ${expected}. ${kept}`;
  return new ArtifactError("checksum_mismatch", message, { next, details: { expected, actual, ...details } });
}

export function unknownSession(id: string): ArtifactError {
  const details = { session_id: id.slice(0, 100) };
  return new ArtifactError("session_not_found", "There is no upload session with this id.", {
    next: "find_session",
    details,
  });
}

/** Whether the error says that a session has ended or is gone. */
export function isEnded(error: unknown): boolean {
  const codes: readonly string[] = ["session_closed", "session_expired", "session_not_found"];
  return error instanceof ArtifactError && codes.includes(error.code);
}

/** @param size that it has to have, in bytes: the declared one, or one that its completion was given */
export function incomplete(record: SessionRecord, size: number): ArtifactError {
  const { id, offset } = record;
  return new ArtifactError("incomplete", `${offset} of ${countIs(size, "byte")} stored.`, {
    next: "upload_rest_or_confirm",
    details: { session_id: id, offset, size: record.size },
  });
}

/** The error for a completion after a chunk was refused: the caller may believe that the chunk is stored. */
export function chunkMissing({ id, offset, size }: SessionRecord): ArtifactError {
  const message = `A chunk was refused, and no bytes are stored in its place, so the content may not be whole: ${countIs(offset, "byte")} stored. Nothing was published.`;
  return new ArtifactError("incomplete", message, {
    next: "upload_rest_or_confirm",
    details: { session_id: id, offset, size },
  });
}

/** Checks a declared size, in bytes. @throws ArtifactError `invalid_argument` if the upload cannot have it */
export function checkSize({ id, size, offset, status }: SessionRecord, wanted: number): void {
  const isOpenEnded = size === null && status !== "complete";
  if (isOpenEnded ? offset <= wanted : (size ?? offset) === wanted) return;
  const is = isOpenEnded
    ? `holds ${count(offset, "byte")} already`
    : size === null || status === "complete"
      ? `has ${count(offset, "byte")}`
      : `was created for ${count(size, "byte")}`;
  const message = `The upload ${is}, so its size cannot be ${wanted}. Nothing was changed: continue with the right size, or abort the upload and create another.`;
  throw new ArtifactError("invalid_argument", message, {
    details: { argument: "size", session_id: id, size, offset },
  });
}

/** The error for bytes that a row counts and that are missing. @param names names of the session's pieces */
export function missingPiece({ id, bucket, key }: SessionRecord, names: string): ArtifactError {
  const message = "Stored bytes of this upload are missing from the disk.";
  const details = { session_id: id, bucket, key, piece: names };
  return new ArtifactError("corrupt", message, { next: "abort_and_upload", details });
}

/** The error for an idempotency key that was used for other content before. */
export function idempotencyConflict(bucket: string, key: string, version: Version): ArtifactError {
  const message = `This idempotency key belongs to version ${version.version} of ${quote(key)} in bucket ${quote(bucket)}, which has other content. Nothing was changed.`;
  return new ArtifactError("idempotency_conflict", message, {
    next: "use_other_key",
    details: { bucket, key, version: version.version },
  });
}

export function artifactTooLarge(bytes: number, maxArtifactBytes: number): ArtifactError {
  const message = `An artifact may have at most ${maxArtifactBytes} bytes here, and this one would have ${bytes}. Nothing was changed.`;
  const details = { bytes, max_artifact_bytes: maxArtifactBytes };
  return new ArtifactError("too_large", message, { next: "split_content", details });
}

export function chunkTooLarge(
  bytes: number,
  maxChunkBytes: number,
  next: "send_smaller_chunks" | "upload_in_chunks",
): ArtifactError {
  const message = `One call takes at most ${maxChunkBytes} bytes of content, and this one has ${bytes}. Nothing was changed.`;
  return new ArtifactError("too_large", message, { next, details: { bytes, max_chunk_bytes: maxChunkBytes } });
}

/** @throws ArtifactError `checksum_mismatch` if the content is known to have another digest than `sha256` */
export function checkAnnounced({ id, artifact, sha256: announced }: SessionRecord, sha256: string | undefined): void {
  const known = artifact?.sha256 ?? announced ?? undefined;
  if (sha256 === undefined || known === undefined || sha256 === known) return;
  const options: MismatchOptions = { next: "create_with_digest", details: { session_id: id } };
  throw checksumMismatch(sha256, known, "the content that this upload is for", options, "Nothing was changed.");
}

/** The error for content whose digest is not the announced one, or not the one that a call gave. */
export function contentMismatch(
  { id, status, offset }: SessionRecord,
  expected: string,
  actual: string,
): ArtifactError {
  const isComplete = status === "complete";
  const kept = isComplete
    ? "The upload is complete already, and its artifact stays."
    : "Nothing was published, and the uploaded bytes are kept.";
  const next = isComplete ? "use_published" : "correct_digest";
  return checksumMismatch(
    expected,
    actual,
    "the uploaded content",
    { next, details: { session_id: id, offset } },
    kept,
  );
}

/** Says that a key does not exist, and what is known of it, without a full stop. @param last its last version number, or 0 */
export function absence(bucket: string, key: string, last: number): string {
  const name = `${quote(key)} in bucket ${quote(bucket)}`;
  if (last === 0) return `There is no artifact ${name}`;
  return `${name} was deleted, was moved or has expired; its last version was ${last}`;
}
