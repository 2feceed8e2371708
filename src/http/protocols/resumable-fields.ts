import type { UploadSession } from "../../store/model/upload-session.js";
import type { HttpContext } from "../context.js";
import type { Exchange } from "../message/exchange.js";
import { booleanField } from "../message/header-fields.js";
import { type HeaderValues, HttpError } from "../message/http-error.js";

const interopVersion = "8";
/** Media type of the body of a PATCH. */
export const partialUploadType = "application/partial-upload";

/** Returns whether a request begins a resumable upload. */
export function isResumable(exchange: Exchange): boolean {
  return exchange.header("upload-complete") !== undefined;
}

/** Returns the header fields that tell a client, in answer to OPTIONS, what this server supports. */
export function resumableAbilities({ maxArtifactBytes }: HttpContext): HeaderValues {
  const limit = maxArtifactBytes < Number.MAX_SAFE_INTEGER ? { "upload-limit": `max-size=${maxArtifactBytes}` } : {};
  return { "accept-patch": partialUploadType, ...limit };
}

/**
 * Returns whether the body ends the content.
 *
 * @throws HttpError `invalid_argument` if Upload-Complete is not a Boolean
 */
export function readUploadComplete(exchange: Exchange): boolean {
  const isLast = booleanField(exchange, "Upload-Complete");
  if (isLast !== undefined) return isLast;
  throw new HttpError(
    "invalid_argument",
    "Upload-Complete is missing: send ?1 if the body ends the content, otherwise ?0.",
  );
}

/** Refuses drafts whose header fields have another meaning. @throws HttpError `invalid_argument` */
export function refuseOtherVersions(exchange: Exchange): void {
  const asked = exchange.header("upload-draft-interop-version");
  if (asked === undefined || asked === interopVersion) return;
  throw new HttpError(
    "invalid_argument",
    `This server supports only interop version ${interopVersion} of resumable uploads: send Upload-Draft-Interop-Version: ${interopVersion}.`,
  );
}

/** Sends an interim response (104), but only to a client that names this version of the draft, as the draft demands. */
export function announce(exchange: Exchange, headers: HeaderValues): void {
  if (exchange.header("upload-draft-interop-version") !== interopVersion) return;
  exchange.inform("104 Upload Resumption Supported", { "upload-draft-interop-version": interopVersion, ...headers });
}

/** Returns the header fields with the state of an upload. */
export function stateFields(context: HttpContext, session: UploadSession): HeaderValues {
  const { offset, size, status } = session;
  return {
    "upload-offset": String(offset),
    "upload-complete": status === "complete" ? "?1" : "?0",
    ...(size === null ? {} : { "upload-length": String(size) }),
    ...limitFields(context, session),
  };
}

/** Returns `Upload-Limit`: the largest size in bytes, and the seconds until the session expires. */
export function limitFields({ maxArtifactBytes }: HttpContext, { expires_at }: UploadSession): HeaderValues {
  const age = `max-age=${Math.max(0, expires_at - Math.floor(Date.now() / 1000))}`;
  const size = maxArtifactBytes < Number.MAX_SAFE_INTEGER ? [`max-size=${maxArtifactBytes}`] : [];
  return { "upload-limit": [...size, age].join(", ") };
}
