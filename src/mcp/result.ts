import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { ArtifactError, type ErrorCode } from "../store/errors.js";
import type { Log } from "../store/log.js";

/** An answer that holds the same facts twice: hosts show a model only one of the two. */
export function success(structuredContent: object): CallToolResult {
  return {
    content: [{ type: "text", text: JSON.stringify(structuredContent) }],
    structuredContent: { ...structuredContent },
  };
}

/**
 * `{"error":{"code","message",...details}}` as text; no `structuredContent`, which clients would check against the
 * tool's output schema. What went wrong inside is for the log, not for the client.
 */
export function failure(error: unknown, log: Log): CallToolResult {
  const known = toArtifactError(error);
  if (worthLogging[known.code]) log("error", "tool_failed", { code: known.code, error: describe(error) });
  const text = JSON.stringify({ error: { code: known.code, message: known.message, ...known.details } });
  return { content: [{ type: "text", text }], isError: true };
}

export function toArtifactError(error: unknown): ArtifactError {
  if (error instanceof ArtifactError) return error;
  const message =
    "Something went wrong inside the server; its log says what. What was acknowledged is safe: try again, and tell the person who runs it if it stays.";
  return new ArtifactError("internal", message, {}, { cause: error });
}

/** The error with what it came from, for the log alone. */
export function describe(error: unknown): string {
  const causes: string[] = [];
  for (let at = error; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    causes.push(
      at instanceof ArtifactError
        ? `${at.code}: ${at.message}`
        : at instanceof Error
          ? (at.stack ?? String(at))
          : String(at),
    );
  }
  return causes.join(" <- ");
}

/** Which failures the person who runs the server has to hear of; the others are the client's to mend. */
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
  too_large: false,
  path_not_allowed: false,
  read_only: true,
  storage_full: true,
  corrupt: true,
  internal: true,
};
