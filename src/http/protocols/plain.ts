import { withCommand } from "../../api/upload-command.js";
import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { HttpContext } from "../context.js";
import { refuseContentEncoding, refuseForm, requireBody } from "../message/body-checks.js";
import { contentDigest, promisedDigest } from "../message/digest-fields.js";
import { etagOf } from "../message/etag.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { booleanField, byteCountField } from "../message/header-fields.js";
import { HttpError } from "../message/http-error.js";
import { readContentRange } from "./content-range.js";

/**
 * Uploads the raw bytes of a body to a session: the plain protocol. A PUT has the whole content, whose beginning may be
 * stored already, and publishes it, even if its size was not declared. A POST begins an upload; once bytes are stored,
 * it needs an offset. `Upload-Offset` or `Content-Range` give the offset. `Upload-Complete` says whether the body ends
 * the content.
 */
export async function uploadBytes({ store }: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  refuseContentEncoding(exchange);
  refuseForm(exchange);
  const isPut = exchange.method === "PUT";
  if (isPut) requireBody(exchange);
  const { length } = exchange.body;
  const range = readContentRange(exchange, length);
  const given = givenOffset(exchange, range?.offset);
  const isWhole = isPut && given === undefined && range === undefined;
  const isLast = booleanField(exchange, "Upload-Complete") ?? isWhole;
  const sha256 = promisedDigest(exchange);
  const checksum = contentDigest(exchange);
  const isAtEnd = !isPut && length === 0; // it has no bytes, and may only end an upload of undeclared size
  if (!isPut && !isAtEnd && given === undefined) checkIsFirst(await store.uploads.getWithoutTail(id));
  if (range?.total !== undefined) await store.uploads.declareSize(id, range.total, sha256);
  const offset = given ?? (isAtEnd ? undefined : 0);
  const options = { offset, length, checksum, isLast, sha256 };
  return answerUpload(await store.uploads.appendStream(id, exchange.body, options));
}

/**
 * Refuses bytes without an offset if others are stored: the request may be the repetition of one whose answer was lost,
 * and its bytes would be stored twice. If all bytes are stored, they are compared instead.
 *
 * @throws ArtifactError `offset_conflict`
 */
function checkIsFirst({ id, offset, size, status }: UploadSession): void {
  if (offset === 0 || status !== "open" || offset === size) return;
  const message = `This POST has no Upload-Offset, and the upload has ${count(offset, "byte")} already. Without the offset, a repeated request would be stored twice, so nothing of it was kept.`;
  throw new ArtifactError("offset_conflict", message, {
    next: "continue_at_offset",
    details: { session_id: id, offset, size },
  });
}

/** Returns the artifact if it is published, otherwise the session. The status is 202 while it is being published. */
export function answerUpload(session: UploadSession): Answer {
  const { artifact } = session;
  if (artifact !== undefined) return { status: 200, headers: { etag: etagOf(artifact) }, body: artifact };
  return { status: isBeingPublished(session) ? 202 : 200, body: withCommand(session) };
}

/** Returns whether all bytes are stored, but the artifact is not published yet. */
export function isBeingPublished({ status, offset, size }: UploadSession): boolean {
  return status === "open" && offset === size;
}

/** @throws HttpError `invalid_argument` */
function givenOffset(exchange: Exchange, rangeOffset: number | undefined): number | undefined {
  const given = byteCountField(exchange, "Upload-Offset");
  if (given !== undefined && rangeOffset !== undefined && given !== rangeOffset) {
    throw new HttpError(
      "invalid_argument",
      "Upload-Offset and Content-Range give different offsets: send only one of them.",
    );
  }
  return given ?? rangeOffset;
}
