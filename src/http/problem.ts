import { STATUS_CODES } from "node:http";
import { describe, isWorthLogging, toArtifactError } from "../shapes/failures.js";
import { type ArtifactError, ERROR_CODES, type ErrorCode } from "../store/errors.js";
import type { Log } from "../store/log.js";
import { type HeaderValues, HTTP_ERROR_CODES, HttpError } from "./http-error.js";

const statusOf: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  bucket_not_found: 404,
  artifact_not_found: 404,
  session_not_found: 404,
  session_expired: 410,
  session_closed: 409,
  offset_conflict: 409,
  size_exceeded: 413,
  incomplete: 409,
  checksum_mismatch: 422,
  version_conflict: 409,
  too_large: 413,
  path_not_allowed: 403,
  read_only: 403,
  storage_full: 507,
  corrupt: 500,
  internal: 500,
};

/** The request that does what a tool does: errors name the tools that help. */
const requestOf: ReadonlyMap<string, string> = new Map([
  ["create_upload_session", "POST /v1/artifacts"],
  ["get_upload_session", "GET of its url"],
  ["abort_upload_session", "DELETE of its url"],
  ["complete_upload_session", "complete_upload_session (a tool at /mcp)"],
  ["list_upload_sessions", "list_upload_sessions (a tool at /mcp)"],
  ["list_artifact_versions", "list_artifact_versions (a tool at /mcp)"],
  ["list_buckets", "GET /v1/artifacts"],
  ["list_artifacts", "GET /v1/artifacts/{bucket}"],
  ["get_artifact", "GET /v1/artifacts/{bucket}/{key}"],
  ["delete_artifact", "DELETE /v1/artifacts/{bucket}/{key}"],
  ["save_artifact", "PUT /v1/content/{bucket}/{key}"],
]);

/** What is quoted is somebody's own name. */
function inRequests(message: string): string {
  return message.replace(/"(?:[^"\\]|\\.)*"|\b[a-z]+(?:_[a-z]+)+\b/g, (found) => requestOf.get(found) ?? found);
}

/** Every `code` that a problem may have. */
export const problemCodes: readonly string[] = [...new Set([...ERROR_CODES, ...HTTP_ERROR_CODES])];

/** RFC 9457, with the error's `code` and details beside it. */
export interface Problem {
  readonly status: number;
  readonly headers: HeaderValues;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a dialect says in its own way. */
export interface ProblemForm {
  readonly status?: number;
  readonly headers?: HeaderValues;
  readonly fields?: Readonly<Record<string, unknown>>;
}

export function toProblem(error: unknown, form: ProblemForm, log: Log): Problem {
  if (error instanceof HttpError) {
    const { status, code, message, headers, fields } = error;
    return problem(status, code, message, headers, { ...form, fields: { ...fields, ...form.fields } });
  }
  const known = toArtifactError(error);
  if (isWorthLogging(known)) log("error", "request_failed", { code: known.code, error: describe(error) });
  return problem(statusOf[known.code], known.code, inRequests(known.message), offsetOf(known), {
    ...form,
    ...detailsOf(known, form),
  });
}

function detailsOf({ details }: ArtifactError, { fields }: ProblemForm): ProblemForm {
  const { status: session_status, ...rest } = details;
  // `status` is the response's own.
  return { fields: { ...rest, ...(session_status === undefined ? {} : { session_status }), ...fields } };
}

/** Where to go on, for clients that read headers alone. */
function offsetOf({ details }: ArtifactError): HeaderValues {
  const { offset } = details;
  return typeof offset === "number" ? { "upload-offset": String(offset) } : {};
}

function problem(usual: number, code: string, detail: string, headers: HeaderValues, form: ProblemForm): Problem {
  const { status = usual, fields = {} } = form;
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, code, detail, ...fields };
  return { status, headers: { ...headers, ...form.headers }, body };
}
