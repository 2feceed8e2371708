import { ArtifactError } from "../../store/model/errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { StreamChecksum } from "../../store/uploads/upload-stream.js";
import { expiresField, type HttpContext } from "../context.js";
import type { Exchange } from "../message/exchange.js";
import { type HeaderValues, HttpError } from "../message/http-error.js";
import type { ProblemForm } from "../message/problem.js";

export const tusVersion = "1.0.0";
/** Media type of a body with bytes of an upload. */
export const tusBodyType = "application/offset+octet-stream";
const algorithms = ["sha1", "sha256", "sha512", "md5"] as const;

/** Returns whether the request comes from a tus client. */
export function isTus(exchange: Exchange): boolean {
  return exchange.header("tus-resumable") !== undefined;
}

/** Returns the request's method. A tus client that can send only POST names it in `X-HTTP-Method-Override`. */
export function tusMethod(exchange: Exchange): string {
  const meant = isTus(exchange) && exchange.method === "POST" ? exchange.header("x-http-method-override") : undefined;
  return meant?.toUpperCase() ?? exchange.method;
}

/** Gives answers to this request the form of tus. @throws HttpError `precondition_failed` for another version of tus */
export function speakTus(exchange: Exchange): void {
  exchange.set("tus-resumable", tusVersion);
  exchange.problemFormOf = tusForm;
  const asked = exchange.header("tus-resumable");
  if (asked === tusVersion) return;
  const message = `This server supports only tus ${tusVersion}: send Tus-Resumable: ${tusVersion}.`;
  throw new HttpError("precondition_failed", message, { "tus-version": tusVersion });
}

/** Returns the header fields that tell a client, in answer to OPTIONS, what this server supports. */
export function tusAbilities({ maxArtifactBytes }: HttpContext): HeaderValues {
  return {
    "tus-resumable": tusVersion,
    "tus-version": tusVersion,
    "tus-extension": "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination",
    "tus-checksum-algorithm": algorithms.join(","),
    ...(maxArtifactBytes < Number.MAX_SAFE_INTEGER ? { "tus-max-size": String(maxArtifactBytes) } : {}),
  };
}

export function expiresFields(session: UploadSession): HeaderValues {
  return { "upload-expires": expiresField(session) };
}

/**
 * Checks that a creation has either `Upload-Length` or `Upload-Defer-Length: 1`.
 *
 * @param size the value of `Upload-Length`
 * @throws HttpError `invalid_argument`
 */
export function checkLengthFields(exchange: Exchange, size: number | undefined): void {
  const defer = exchange.header("upload-defer-length");
  if (defer !== undefined && defer !== "1") {
    throw new HttpError("invalid_argument", "Upload-Defer-Length must be 1: send 1, or leave it out.");
  }
  if ((size === undefined) === (defer === undefined)) {
    throw new HttpError(
      "invalid_argument",
      "Send either Upload-Length, or Upload-Defer-Length: 1 if the length is not known yet.",
    );
  }
}

/**
 * Returns the digest of the body in `Upload-Checksum`; undefined if there is none.
 *
 * @throws HttpError `invalid_argument`
 */
export function readChecksum(exchange: Exchange): StreamChecksum | undefined {
  const text = exchange.header("upload-checksum");
  if (text === undefined) return undefined;
  const [name, base64 = ""] = text.split(" ");
  const algorithm = algorithms.find((known) => known === name);
  if (algorithm !== undefined) return { algorithm, digest: Buffer.from(base64, "base64").toString("hex") };
  throw new HttpError(
    "invalid_argument",
    `Upload-Checksum must be one of ${algorithms.join(", ")}, then a space and the digest in base64.`,
  );
}

/** Returns the statuses that tus has for errors of the store. */
function tusForm(error: unknown): ProblemForm {
  if (!(error instanceof ArtifactError)) return {};
  const { code, details } = error;
  if (code === "checksum_mismatch") return { status: 460 };
  const isAborted = code === "session_closed" && details["status"] === "aborted";
  return isAborted ? { status: 410 } : {};
}
