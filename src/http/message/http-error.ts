/** Codes of errors that only HTTP has, with their status. They are thrown before a use case is called. */
const statusOf = {
  invalid_argument: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  gone: 410,
  length_required: 411,
  precondition_failed: 412,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  expectation_failed: 417,
  too_many_requests: 429,
  header_too_large: 431,
  not_implemented: 501,
  unavailable: 503,
} as const;

export type HttpErrorCode = keyof typeof statusOf;
export const httpErrorCodes: readonly string[] = Object.keys(statusOf);
export type HeaderValues = Readonly<Record<string, string>>;

/** An error that only HTTP has. Its message says what is wrong, and what to do next. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: HttpErrorCode;
  readonly headers: HeaderValues;
  /** Additional members of the problem details (RFC 9457). */
  readonly fields: Readonly<Record<string, string>>;

  constructor(code: HttpErrorCode, message: string, headers: HeaderValues = {}, fields: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.fields = fields;
  }

  get status(): number {
    return statusOf[this.code];
  }
}
