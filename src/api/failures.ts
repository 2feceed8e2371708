import { ArtifactError, type ErrorCode } from "../store/model/errors.js";

/** Returns the error to answer to a caller. An unexpected error becomes `internal`, without its details. */
export function toArtifactError(error: unknown): ArtifactError {
  if (error instanceof ArtifactError) return error;
  const message = "Something went wrong inside the server; its log has the cause. Data that was acknowledged is safe.";
  return new ArtifactError("internal", message, { next: "call_again", cause: error });
}

/** A longer cause is cut in its middle: its message may have what a caller has sent, and its stack comes last. */
const maxCauseChars = 4_000;

/** Returns the facts of the log event about a failure: its code, the bucket that it is about, and its causes. */
export function failureFacts(error: unknown, { code, details }: ArtifactError): Record<string, unknown> {
  const { bucket } = details;
  return { code, ...(bucket === undefined ? {} : { bucket }), error: describeError(error) };
}

/** Returns the error with all its causes and stacks, for the log only. */
export function describeError(error: unknown): string {
  const causes: string[] = [];
  for (let at = error; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    causes.push(cut(textOf(at)));
  }
  return causes.join(" <- ");
}

function textOf(error: unknown): string {
  if (error instanceof ArtifactError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

function cut(text: string): string {
  if (text.length <= maxCauseChars) return text;
  const half = maxCauseChars / 2;
  return `${text.slice(0, half)} [...] ${text.slice(-half)}`.toWellFormed();
}

/** Returns whether the person who runs the server must know of a failure. */
export function isWorthLogging({ code }: ArtifactError): boolean {
  return worthLogging[code];
}

/** True for failures that only the person who runs the server can repair. The client can repair the others. */
const worthLogging: Readonly<Record<ErrorCode, boolean>> = {
  invalid_argument: false,
  bucket_not_found: false,
  artifact_not_found: false,
  session_not_found: false,
  session_expired: false,
  session_closed: false,
  offset_conflict: false,
  size_exceeded: false,
  incomplete: false,
  checksum_mismatch: false,
  version_conflict: false,
  idempotency_conflict: false,
  too_large: false,
  path_not_allowed: false,
  read_only: true,
  storage_full: true,
  store_replaced: true,
  corrupt: true,
  internal: true,
};
