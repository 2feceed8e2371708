/** All codes of errors. MCP and HTTP each answer every code: a new one does not compile until both do. */
export const ERROR_CODES = [
  "invalid_argument",
  "bucket_not_found",
  "artifact_not_found",
  "session_not_found",
  "session_expired",
  "session_closed",
  "offset_conflict",
  "size_exceeded",
  "incomplete",
  "checksum_mismatch",
  "version_conflict",
  "idempotency_conflict",
  "too_large",
  "path_not_allowed",
  "read_only",
  "storage_full",
  "store_replaced",
  "corrupt",
  "internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * What the reader of an error can do next. MCP and HTTP each have their own words for it: tools for a model, requests
 * for HTTP. A new step does not compile until both have words for it. The words may use the error's details.
 */
export const NEXT_STEPS = [
  /** The message says which value is right. */
  "correct_argument",
  "see_buckets",
  "see_artifacts",
  "see_versions",
  /** There is no such session: list sessions, or create one. */
  "find_session",
  /** The session and its bytes are gone: create another session and begin at byte 0. */
  "create_session",
  /** The session has published its artifact: create another session for other content. */
  "use_published",
  /** Send the bytes from `offset` on. */
  "continue_at_offset",
  /** The sent bytes differ from the stored ones. Abort and begin again for other content; else continue at `offset`. */
  "check_content",
  /** Send the same bytes again, from the same offset. */
  "send_again",
  /** Send the same content in smaller chunks. */
  "send_smaller_chunks",
  /** The content is too large for one call: create a session and send chunks. */
  "upload_in_chunks",
  /** The content is larger than an artifact may be: split it. The operator can raise the limit. */
  "split_content",
  /** Create the session with `version` as if_version. */
  "create_on_newest",
  /** `size` was too small: create a session without it. */
  "create_without_size",
  /** Send the missing bytes from `offset`, or pass `offset` as the size to confirm that the content is whole. */
  "upload_rest_or_confirm",
  /** Bytes of the upload are still arriving: make the same call after they have arrived. */
  "wait_for_upload",
  /** Complete the upload with `version` as if_version, or abort it. */
  "resolve_conflict",
  /** Look at the newest version, then save with `version` as if_version. */
  "save_on_newest",
  /** Call again with the newest version of the target as if_version, or choose another target. */
  "copy_onto_newest",
  /** Look at the newest version of the source, then call again with it as from_if_version. */
  "check_source",
  /** Complete the upload with the right digest, or abort it. */
  "correct_digest",
  /** The content has another digest than the announced one: create a session with the right digest. */
  "create_with_digest",
  /** Send the same content as in the first request, or use another idempotency key. */
  "use_other_key",
  /** Delete artifacts or abort uploads, then make the same call. The operator can make room. */
  "make_room",
  /** Delete artifacts or abort uploads. The operator can raise the limit on the store's bytes. */
  "free_store_quota",
  /** The content alone is above the limit on the store's bytes. */
  "raise_store_quota",
  /** Delete artifacts of this bucket or abort its uploads, or use another bucket. The operator can raise its limit. */
  "free_bucket",
  /** The content alone is above the limit of this bucket. */
  "raise_bucket_limit",
  /** Complete or abort uploads. The operator can raise the limit on unfinished bytes. */
  "finish_uploads",
  /** The content alone is above the limit on unfinished bytes. */
  "raise_unfinished_quota",
  /** Complete or abort uploads. The operator can raise the limit on open sessions. */
  "close_sessions",
  /** Nothing was lost: make the same call again. */
  "call_again",
  /** It is not known whether the change was made: look, and make the call again if it was not. */
  "look_then_call_again",
  /** The bytes of this upload are lost: abort it and upload again. */
  "abort_and_upload",
  /** The operator has to make the store writable. */
  "make_writable",
  /** The operator has to restore the store from a backup. */
  "restore_backup",
  /** Other versions may be whole. The operator can check the store. */
  "verify_store",
  /** The operator has to restart the server, or give it the right store. */
  "restart_server",
  /** The operator has to check the limit of open files. */
  "raise_file_limit",
  /** The operator has to check the disk. */
  "check_disk",
  /** The file system cannot hold so large a file: the operator has to move the store to another one. */
  "move_store",
  /** Ask the person for one of the allowed directories. */
  "use_allowed_path",
  /** No directory is allowed: the person who runs the server has to allow one. */
  "have_path_allowed",
  /** Import the file again when no program writes to it. */
  "import_again",
  /** Abort the session, then import the file into a new one. */
  "abort_and_import",
  /** Import the file that the session was begun with, or import this file under a bucket and key. */
  "import_same_file",
  /** Import the same path again, with the session's id. */
  "resume_import",
  /** Choose another path, or allow overwriting. */
  "export_elsewhere",
  /** There is no version before this one: compare it with another artifact. */
  "compare_with_other",
  /** The content is not of the kind that this needs. A description says what it is. */
  "describe_content",
  /** The expression takes too long: make it simpler, or search for a literal text. */
  "simplify_expression",
  /** Ask for less at a time: fewer rows, fewer columns, or a part of the content. */
  "look_at_less",
] as const;

export type NextStep = (typeof NEXT_STEPS)[number];

export type ErrorDetails = Readonly<
  Record<string, string | number | boolean | null | readonly string[] | readonly number[]>
>;

export interface ArtifactErrorOptions extends ErrorOptions {
  readonly next?: NextStep;
  /** The facts of the message as values: the offset to go on from, both digests, ... */
  readonly details?: ErrorDetails;
}

/** An error that its reader can act on. `message` says what happened, `next` says what to do. */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
  readonly code: ErrorCode;
  readonly next: NextStep;
  readonly details: ErrorDetails;

  /** @param options `next` is `correct_argument` unless given */
  constructor(code: ErrorCode, message: string, { next, details, ...options }: ArtifactErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.next = next ?? "correct_argument";
    this.details = details ?? {};
  }
}

/**
 * Whether the error says that the store at its path was removed, moved or replaced. Then the open rows are those of the
 * old database. What they show does not count, because no other process finds them any more.
 */
export function isStoreReplaced(error: unknown): boolean {
  return error instanceof ArtifactError && error.code === "store_replaced";
}
