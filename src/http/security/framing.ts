import type { IncomingMessage } from "node:http";
import { HttpError } from "../message/http-error.js";
import { isHttp11 } from "../message/http-version.js";

/** Header fields of which Node keeps the first line and silently drops the others. */
const singleFields: ReadonlySet<string> = new Set([
  "authorization",
  "content-length",
  "content-type",
  "expires",
  "from",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "user-agent",
]);

/**
 * Refuses a head that this server and a proxy in front of it could understand differently, and a head that Node itself
 * would refuse without an explanation.
 *
 * @throws HttpError `invalid_argument`, `not_implemented`, `expectation_failed`
 */
export function checkFraming(request: IncomingMessage): void {
  const { rawHeaders, headers } = request;
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (singleFields.has(name) && seen.has(name)) {
      throw new HttpError("invalid_argument", `The request has the header field ${name} twice: send it once.`);
    }
    seen.add(name);
  }
  if (headers.host === undefined && isHttp11(request)) {
    throw new HttpError("invalid_argument", "A request of HTTP/1.1 needs the header field Host: send it.");
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") {
    throw new HttpError("expectation_failed", "This server supports only Expect: 100-continue. Leave Expect out.");
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    throw new HttpError(
      "not_implemented",
      "This server supports only the transfer coding chunked: send the body without another, with Content-Length or chunked.",
    );
  }
}
