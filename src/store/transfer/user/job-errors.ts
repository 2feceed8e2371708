import { ArtifactError, type ErrorCode } from "../../model/errors.js";

/** Errors that are about one file or artifact, so that the others can go on. */
const ofOneFile: readonly ErrorCode[] = [
  "invalid_argument",
  "artifact_not_found",
  "version_conflict",
  "too_large",
  "corrupt",
  "offset_conflict",
  "size_exceeded",
  "checksum_mismatch",
  "session_not_found",
  "session_closed",
  "session_expired",
];

/** The message of an error that is about one file. @throws the error, if it is about the store or the process */
export function problemOfFile(error: unknown): string {
  if (error instanceof ArtifactError && ofOneFile.includes(error.code)) return error.message;
  throw error;
}
