import { STATUS_CODES } from "node:http";
import { failureFacts, isWorthLogging, toArtifactError } from "../../api/failures.js";
import { type ArtifactError, ERROR_CODES, type ErrorCode } from "../../store/model/errors.js";
import type { Log } from "../../store/ports/log.js";
import { type HeaderValues, HttpError, httpErrorCodes } from "./http-error.js";
import { messageForHttp } from "./next-steps.js";

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
  idempotency_conflict: 422,
  too_large: 413,
  path_not_allowed: 403,
  read_only: 403,
  storage_full: 507,
  store_replaced: 503,
  corrupt: 500,
  internal: 500,
};

/** Every `code` that a problem may have. */
export const problemCodes: readonly string[] = [...new Set([...ERROR_CODES, ...httpErrorCodes])];

/** An answer with problem details (RFC 9457). Its body also has the error's `code` and details. */
export interface Problem {
  readonly status: number;
  readonly headers: HeaderValues;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What an upload protocol changes in the answer to an error. */
export interface ProblemForm {
  readonly status?: number;
  readonly headers?: HeaderValues;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Returns the answer to an error. Writes it to the log if the person who runs the server should know of it. */
export function toProblem(error: unknown, form: ProblemForm, log: Log): Problem {
  if (error instanceof HttpError) {
    const { status, code, message, headers, fields } = error;
    return problem(status, code, message, headers, { ...form, fields: { ...fields, ...form.fields } });
  }
  const known = toArtifactError(error);
  if (isWorthLogging(known)) log("error", "request_failed", failureFacts(error, known));
  return problem(statusOf[known.code], known.code, messageForHttp(known), offsetOf(known), {
    ...form,
    ...detailsOf(known, form),
  });
}

function detailsOf({ details }: ArtifactError, { fields }: ProblemForm): ProblemForm {
  const { status: session_status, ...rest } = details;
  // `status` in the body is that of the response.
  return { fields: { ...rest, ...(session_status === undefined ? {} : { session_status }), ...fields } };
}

/** Returns the offset to continue from, for clients that read only header fields. */
function offsetOf({ details }: ArtifactError): HeaderValues {
  const { offset } = details;
  return typeof offset === "number" ? { "upload-offset": String(offset) } : {};
}

function problem(usualStatus: number, code: string, detail: string, headers: HeaderValues, form: ProblemForm): Problem {
  const { status = usualStatus, fields = {} } = form;
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, code, detail, ...fields };
  return { status, headers: { ...headers, ...form.headers }, body };
}
