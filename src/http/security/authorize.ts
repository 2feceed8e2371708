import type { HttpContext } from "../context.js";
import type { Exchange } from "../message/exchange.js";
import type { Parameters, Route } from "../route.js";

/** What to do next without a right to a request. */
export const sendToken = "Send Authorization: Bearer TOKEN, with the token that the server was started with.";

/**
 * Checks that the request has the token, or a signed URL, that its route demands. It reads only the request and the
 * server's secrets: a wrong token costs no read of the store, and no wait.
 *
 * @throws HttpError `unauthorized`, `too_many_requests`
 */
export function authorize(context: HttpContext, { right }: Route, exchange: Exchange, parameters: Parameters): void {
  const { auth } = context;
  if (right === "none" || auth.isBearer(exchange)) return;
  if (right === "upload-url") {
    if (isSignedUpload(context, parameters)) return;
    throw auth.refusal(
      exchange,
      "This upload URL is incomplete or wrong: use the session's url exactly as it was answered, or send Authorization: Bearer TOKEN.",
    );
  }
  if (right === "download-url" && exchange.target.query.has("signature")) {
    if (isSignedDownload(context, exchange, parameters)) return;
    throw auth.refusal(
      exchange,
      "This download URL has expired or is wrong: get a fresh one from get_artifact or GET /v1/artifacts/{bucket}/{key}, or send Authorization: Bearer TOKEN.",
    );
  }
  throw auth.refusal(exchange, sendToken);
}

/** Returns the session's id from an upload URL, which has the form `ID.SIGNATURE`. */
export function sessionIdOf({ session = "" }: Parameters): string {
  return session.split(".", 1)[0] ?? "";
}

function isSignedUpload({ signedUrls }: HttpContext, parameters: Parameters): boolean {
  const { session = "" } = parameters;
  const dot = session.indexOf(".");
  return dot >= 0 && signedUrls.isUpload(sessionIdOf(parameters), session.slice(dot + 1));
}

function isSignedDownload({ signedUrls }: HttpContext, { target }: Exchange, parameters: Parameters): boolean {
  const { bucket = "", key = "" } = parameters;
  const first = (name: string): string => target.query.get(name)?.[0] ?? ""; // the route refuses a second one
  const [version, expires] = [Number(first("version")), Number(first("expires"))];
  return signedUrls.isDownload({ bucket, key: key.normalize("NFC"), version }, expires, first("signature"));
}
