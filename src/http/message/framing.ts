import type { IncomingMessage } from "node:http";
import { HttpError } from "./http-error.js";

/** Fields of which Node keeps the first line and drops the others without a word. */
const singleFields: ReadonlySet<string> = new Set([
  ...["authorization", "content-length", "content-type", "expires", "from", "host", "if-modified-since"],
  ...["if-unmodified-since", "max-forwards", "proxy-authorization", "referer", "user-agent"],
]);

/**
 * What could be understood in two ways, by this server and by a proxy before it; and what Node would refuse by itself,
 * without a word.
 *
 * @throws HttpError `invalid_argument`, `not_implemented`, `expectation_failed`
 */
export function checkFraming(request: IncomingMessage): void {
  const { rawHeaders, headers } = request;
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (singleFields.has(name) && seen.has(name)) {
      throw new HttpError("invalid_argument", `The header field ${name} is there twice: send it once.`);
    }
    seen.add(name);
  }
  if (headers.host === undefined && isNewerThan10(request)) {
    throw new HttpError("invalid_argument", "A request of HTTP/1.1 needs the header field Host: send it.");
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") {
    throw new HttpError("expectation_failed", "Expect: the only one that is met here is 100-continue. Leave it out.");
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    throw new HttpError(
      "not_implemented",
      "The only transfer coding that is undone here is chunked: send the body without another, with Content-Length or chunked.",
    );
  }
}

/** Whether the client knows interim responses: those of HTTP/1.0 take one for the answer. */
export function knowsInterim(request: IncomingMessage): boolean {
  return isNewerThan10(request);
}

function isNewerThan10({ httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMajor > 1 || httpVersionMinor >= 1;
}
