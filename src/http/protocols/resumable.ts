import { ArtifactError } from "../../store/model/errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { CreateUpload } from "../../store/uploads/new-session.js";
import type { AppendStreamOptions } from "../../store/uploads/uploads.js";
import { type HttpContext, uploadLocation } from "../context.js";
import { refuseContentEncoding } from "../message/body-checks.js";
import { contentDigest, digestField, promisedDigest } from "../message/digest-fields.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { integerField } from "../message/header-fields.js";
import { type HeaderValues, HttpError } from "../message/http-error.js";
import { answerUpload, isBeingPublished } from "./plain.js";
import {
  announce,
  limitFields,
  partialUploadType,
  readUploadComplete,
  refuseOtherVersions,
  stateFields,
} from "./resumable-fields.js";
import { checkTotalLength, totalLengthOf } from "./resumable-length.js";
import { checkNotEnded, checkOffset } from "./upload-checks.js";

/*
 * Resumable Uploads for HTTP: draft-ietf-httpbis-resumable-upload, interop version 8.
 */

/** Begins an upload. The body is the whole content, or its first part. */
export async function createResumable(context: HttpContext, exchange: Exchange, upload: CreateUpload): Promise<Answer> {
  const { uploads } = context.store;
  refuseContentEncoding(exchange);
  refuseOtherVersions(exchange);
  const isLast = readUploadComplete(exchange);
  const size = totalLengthOf(exchange, 0, isLast);
  const [sha256, checksum] = [promisedDigest(exchange), contentDigest(exchange)];
  const session = await uploads.create({ ...upload, size, sha256 });
  const location = { location: uploadLocation(context, session) };
  announce(exchange, { ...location, ...limitFields(context, session) });
  if (session.status === "complete" && size === 0) return answerOf(context, session);
  const received = receive(context, exchange, session.id, { offset: 0, checksum, isLast });
  const now = await received.catch((error) => {
    throw upload.idempotency_key !== undefined && isOtherBody(error, session) ? otherBody(upload) : error;
  });
  const answer = answerOf(context, now);
  return isLast || now.status === "complete"
    ? answer
    : { ...answer, status: 201, headers: { ...answer.headers, ...location } };
}

/** Answers a HEAD with the state of an upload. */
export async function describeResumable(context: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  for (const name of ["Upload-Offset", "Upload-Complete"]) {
    if (exchange.header(name) !== undefined) {
      throw new HttpError("invalid_argument", `A HEAD of an upload must not have ${name}: leave it out.`);
    }
  }
  const session = await context.store.uploads.getWithoutTail(id);
  checkNotEnded(session);
  return { status: 204, headers: { ...stateFields(context, session), "cache-control": "no-store" } };
}

/** Appends the body of a PATCH to an upload. */
export async function appendResumable(context: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  const { uploads } = context.store;
  refuseContentEncoding(exchange);
  const type = exchange.header("content-type");
  if (type !== partialUploadType) {
    const message = `A PATCH of an upload needs Content-Type: ${partialUploadType}, or application/offset+octet-stream with Tus-Resumable.`;
    throw new HttpError("unsupported_media_type", message, { "accept-patch": partialUploadType });
  }
  const offset = integerField(exchange, "Upload-Offset");
  if (offset === undefined) {
    throw new HttpError("invalid_argument", "A PATCH of an upload needs Upload-Offset, a whole number of bytes.");
  }
  const isLast = readUploadComplete(exchange);
  const session = await uploads.getWithoutTail(id);
  checkOffset(session, offset);
  const size = totalLengthOf(exchange, offset, isLast);
  const sha256 = promisedDigest(exchange);
  const checksum = contentDigest(exchange);
  checkTotalLength(session, size, exchange.body.length);
  if (session.size === null && size !== undefined && session.status === "open") {
    await uploads.declareSize(id, size, sha256);
  }
  return answerOf(context, await receive(context, exchange, id, { offset, checksum, isLast, sha256 }));
}

/** Appends the body to a session, and announces the offset whenever more of it is durable. */
async function receive(
  { store }: HttpContext,
  exchange: Exchange,
  id: string,
  options: AppendStreamOptions,
): Promise<UploadSession> {
  const { length } = exchange.body;
  const onCheckpoint = (offset: number): void => announce(exchange, { "upload-offset": String(offset) });
  return store.uploads.appendStream(id, exchange.body, { ...options, length, onCheckpoint });
}

function answerOf(context: HttpContext, session: UploadSession): Answer {
  const { artifact } = session;
  const headers = stateFields(context, session);
  if (artifact === undefined && session.status === "open" && !isBeingPublished(session)) {
    return { status: 204, headers };
  }
  const digest: HeaderValues = artifact === undefined ? {} : { "repr-digest": digestField(artifact.sha256) };
  const answer = answerUpload(session);
  return { ...answer, headers: { ...headers, ...answer.headers, ...digest } };
}

/** Returns whether an earlier request with this Idempotency-Key created the session, and had another body. */
function isOtherBody(error: unknown, { status }: UploadSession): boolean {
  if (!(error instanceof ArtifactError)) return false;
  return "differs_at" in error.details || (status === "complete" && error.code === "session_closed");
}

function otherBody({ bucket, key = "" }: CreateUpload): ArtifactError {
  const message =
    "This Idempotency-Key was used for an upload to the same key with another body. Nothing of this body was kept.";
  return new ArtifactError("idempotency_conflict", message, { next: "use_other_key", details: { bucket, key } });
}
