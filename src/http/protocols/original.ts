import { withCommand } from "../../api/upload-command.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { HttpContext } from "../context.js";
import { type Answer, type Exchange, refuseContentCoding, refuseForm } from "../message/exchange.js";
import {
  booleanField,
  checkHasBody,
  contentDigest,
  contentRange,
  promisedDigest,
  wholeNumber,
} from "../message/fields.js";
import { etagOf } from "../message/guard.js";
import { HttpError } from "../message/http-error.js";

/**
 * The API's own way: the raw bytes to the session's URL. A PUT is all of the content, of which some may be there
 * already, and publishes it, whether or not its size was declared; a POST goes on where the session stands.
 * `Upload-Offset` or `Content-Range` say otherwise, and `Upload-Complete` whether something comes behind the body.
 */
export async function uploadBytes({ store }: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  refuseContentCoding(exchange);
  refuseForm(exchange);
  if (exchange.method === "PUT") checkHasBody(exchange);
  const { length } = exchange.body;
  const range = contentRange(exchange, length);
  const given = givenOffset(exchange, range?.offset);
  const offset = given ?? (exchange.method === "PUT" ? 0 : undefined);
  const isWhole = exchange.method === "PUT" && given === undefined && range === undefined;
  const isLast = booleanField(exchange, "Upload-Complete") ?? isWhole;
  const sha256 = promisedDigest(exchange);
  if (range?.total !== undefined) await store.uploads.declareSize(id, range.total, sha256);
  const options = { offset, length, checksum: contentDigest(exchange), isLast, sha256 };
  return answerUpload(await store.uploads.appendStream(id, exchange.body, options));
}

/** The artifact once it is there, else how far the session is. */
export function answerUpload(session: UploadSession): Answer {
  const { artifact } = session;
  if (artifact !== undefined) return { status: 200, headers: { etag: etagOf(artifact) }, body: artifact };
  return { status: isBeingPublished(session) ? 202 : 200, body: withCommand(session) };
}

/** All bytes are there. */
export function isBeingPublished({ status, offset, size }: UploadSession): boolean {
  return status === "open" && offset === size;
}

/** @throws HttpError `invalid_argument` */
function givenOffset(exchange: Exchange, fromRange: number | undefined): number | undefined {
  const given = wholeNumber(exchange, "Upload-Offset");
  if (given !== undefined && fromRange !== undefined && given !== fromRange) {
    throw new HttpError(
      "invalid_argument",
      "Upload-Offset and Content-Range name different offsets: send one of them.",
    );
  }
  return given ?? fromRange;
}
