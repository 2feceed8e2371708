import type { Exchange } from "./exchange.js";
import { HttpError } from "./http-error.js";

/**
 * Refuses a body with a Content-Encoding, because content is stored exactly as it was sent.
 *
 * @throws HttpError `unsupported_media_type`
 */
export function refuseContentEncoding(exchange: Exchange): void {
  const encoding = exchange.header("content-encoding");
  if (encoding === undefined || encoding.toLowerCase() === "identity") return;
  throw new HttpError(
    "unsupported_media_type",
    "Content is stored exactly as it is sent, so a Content-Encoding would not be decoded: send the content without one, or save the compressed file with its own type, like application/gzip.",
    { "accept-encoding": "identity" },
  );
}

/**
 * Refuses a form, because the form would be stored around the file in it.
 *
 * @throws HttpError `unsupported_media_type`
 */
export function refuseForm(exchange: Exchange): void {
  if (!/^multipart\/form-data\b/i.test(exchange.header("content-type") ?? "")) return;
  throw new HttpError(
    "unsupported_media_type",
    "Content is stored exactly as it is sent, so a form (curl -F) would be stored around its file: send only the bytes of the file, like curl -T FILE URL.",
  );
}

/**
 * Refuses a request without a body, where a missing body is probably a mistake. An empty body must be declared with
 * `Content-Length: 0`.
 *
 * @throws HttpError `length_required`
 */
export function requireBody(exchange: Exchange): void {
  if (exchange.header("content-length") !== undefined || exchange.header("transfer-encoding") !== undefined) return;
  throw new HttpError(
    "length_required",
    "The request has no body: send the content as the body, as curl -T FILE URL does, with Content-Length or chunked. For empty content send Content-Length: 0.",
  );
}
