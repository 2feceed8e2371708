/** Every way an operation can fail. A face answers each of them; a new one does not compile until it does. */
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
  "too_large",
  "path_not_allowed",
  "read_only",
  "storage_full",
  "corrupt",
  "internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * A failure that its reader can act on: `message` says what happened and what to do next,
 * `details` carry the same facts as values (the offset to go on from, both digests, ...).
 */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}
