import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { CreateUpload } from "../../store/uploads/new-session.js";
import type { AppendStreamOptions } from "../../store/uploads/uploads.js";
import { type HttpContext, locationOf } from "../context.js";
import { type Answer, type Exchange, refuseContentCoding } from "../message/exchange.js";
import { booleanField, contentDigest, digestField, integerField, promisedDigest } from "../message/fields.js";
import { type HeaderValues, HttpError } from "../message/http-error.js";
import type { ProblemForm } from "../message/problem.js";
import { answerUpload, isBeingPublished } from "./original.js";
import { checkAlive, checkOffset } from "./strict.js";

/*
 * Resumable Uploads for HTTP, draft-ietf-httpbis-resumable-upload, interop version 8.
 */

const interopVersion = "8";
const bodyType = "application/partial-upload";
const problemTypes = "https://iana.org/assignments/http-problem-types#";

/** Whether a request begins an upload that can be resumed. */
export function isResumable(exchange: Exchange): boolean {
  return exchange.header("upload-complete") !== undefined;
}

/** What a client learns before it begins. */
export function resumableAbilities({ maxArtifactBytes }: HttpContext): HeaderValues {
  const limit = maxArtifactBytes < Number.MAX_SAFE_INTEGER ? { "upload-limit": `max-size=${maxArtifactBytes}` } : {};
  return { "accept-patch": bodyType, ...limit };
}

/** Begins an upload with the body that comes along, whole or its first part. */
export async function createResumable(context: HttpContext, exchange: Exchange, wanted: CreateUpload): Promise<Answer> {
  const { uploads } = context.store;
  refuseContentCoding(exchange);
  refuseOtherVersions(exchange);
  const isLast = completeness(exchange);
  const size = totalOf(exchange, 0, isLast);
  const [sha256, checksum] = [promisedDigest(exchange), contentDigest(exchange)];
  const session = await uploads.create({ ...wanted, size, sha256 });
  const location = { location: locationOf(context, session) };
  announce(exchange, { ...location, ...limits(context, session) });
  if (session.status === "complete" && size === 0) return answer(context, session);
  const received = receive(context, exchange, session.id, { offset: 0, checksum, isLast });
  const now = await received.catch((error) => {
    throw wanted.idempotency_key !== undefined && isOfOtherBody(error, session) ? otherBody(wanted) : error;
  });
  const done = answer(context, now);
  return isLast || now.status === "complete"
    ? done
    : { ...done, status: 201, headers: { ...done.headers, ...location } };
}

export async function describeResumable(context: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  for (const name of ["Upload-Offset", "Upload-Complete"]) {
    if (exchange.header(name) !== undefined) throw new HttpError("invalid_argument", `A HEAD has no ${name}.`);
  }
  const session = await context.store.uploads.get(id);
  checkAlive(session);
  return { status: 204, headers: { ...stateOf(context, session), "cache-control": "no-store" } };
}

export async function appendResumable(context: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  const { uploads } = context.store;
  refuseContentCoding(exchange);
  const type = exchange.header("content-type");
  if (type !== bodyType) {
    const message = `A PATCH of an upload has Content-Type: ${bodyType}, or application/offset+octet-stream with Tus-Resumable.`;
    throw new HttpError("unsupported_media_type", message, { "accept-patch": bodyType });
  }
  const offset = integerField(exchange, "Upload-Offset");
  if (offset === undefined) throw new HttpError("invalid_argument", "A PATCH of an upload has an Upload-Offset.");
  const isLast = completeness(exchange);
  const session = await uploads.get(id);
  checkOffset(session, offset);
  const size = totalOf(exchange, offset, isLast);
  const sha256 = promisedDigest(exchange);
  const checksum = contentDigest(exchange);
  checkTotal(session, size, exchange.body.length);
  if (session.size === null && size !== undefined && session.status === "open") {
    await uploads.declareSize(id, size, sha256);
  }
  return answer(context, await receive(context, exchange, id, { offset, checksum, isLast, sha256 }));
}

/** What fails, in the words of this dialect. */
export function resumableForm(exchange: Exchange): (error: unknown) => ProblemForm {
  return (error) => {
    if (!(error instanceof ArtifactError)) return {};
    const { code, details } = error;
    switch (code) {
      case "offset_conflict": {
        const offsets = {
          "expected-offset": details["offset"],
          "provided-offset": integerField(exchange, "Upload-Offset"),
        };
        return { fields: { type: `${problemTypes}mismatching-upload-offset`, ...offsets } };
      }
      case "size_exceeded":
        return { status: 400, fields: { type: `${problemTypes}inconsistent-upload-length` } };
      case "session_closed":
        return details["status"] === "complete" ? completedForm(exchange) : {};
      case "version_conflict":
      case "checksum_mismatch":
        return { headers: { "upload-complete": completeness(exchange) ? "?1" : "?0" } };
      default:
        return {};
    }
  };
}

/** The request has created its session before, with a body that is not this one. */
function isOfOtherBody(error: unknown, { status }: UploadSession): boolean {
  if (!(error instanceof ArtifactError)) return false;
  return "differs_at" in error.details || (status === "complete" && error.code === "session_closed");
}

function otherBody({ bucket, key = "" }: CreateUpload): ArtifactError {
  const message =
    "This Idempotency-Key belongs to an upload of the same key whose body is another. Nothing of this one was kept.";
  return new ArtifactError("idempotency_conflict", message, { next: "use_other_key", details: { bucket, key } });
}

/** More content than there is to be is a wrong length; none, and another offset, came too late. */
function completedForm({ body }: Exchange): ProblemForm {
  const kind = body.length === 0 ? "completed-upload" : "inconsistent-upload-length";
  return { status: 400, fields: { type: problemTypes + kind } };
}

/** Takes the body, and tells how far it is on the way. */
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

function answer(context: HttpContext, session: UploadSession): Answer {
  const { artifact } = session;
  const headers = stateOf(context, session);
  if (artifact === undefined && session.status === "open" && !isBeingPublished(session))
    return { status: 204, headers };
  const digest: HeaderValues = artifact === undefined ? {} : { "repr-digest": digestField(artifact.sha256) };
  const answered = answerUpload(session);
  return { ...answered, headers: { ...headers, ...answered.headers, ...digest } };
}

function stateOf(context: HttpContext, session: UploadSession): HeaderValues {
  const { offset, size, status } = session;
  return {
    "upload-offset": String(offset),
    "upload-complete": status === "complete" ? "?1" : "?0",
    ...(size === null ? {} : { "upload-length": String(size) }),
    ...limits(context, session),
  };
}

function limits({ maxArtifactBytes }: HttpContext, { expires_at }: UploadSession): HeaderValues {
  const age = `max-age=${Math.max(0, expires_at - Math.floor(Date.now() / 1000))}`;
  const size = maxArtifactBytes < Number.MAX_SAFE_INTEGER ? [`max-size=${maxArtifactBytes}`] : [];
  return { "upload-limit": [...size, age].join(", ") };
}

/** For clients of this version alone, as the draft wants it while it is one. */
function announce(exchange: Exchange, headers: HeaderValues): void {
  if (exchange.header("upload-draft-interop-version") !== interopVersion) return;
  exchange.inform("104 Upload Resumption Supported", { "upload-draft-interop-version": interopVersion, ...headers });
}

/** @throws HttpError `invalid_argument` for a draft whose headers mean something else */
function refuseOtherVersions(exchange: Exchange): void {
  const asked = exchange.header("upload-draft-interop-version");
  if (asked === undefined || asked === interopVersion) return;
  throw new HttpError("invalid_argument", `This server speaks interop version ${interopVersion} of resumable uploads.`);
}

/** @throws HttpError `invalid_argument` */
function completeness(exchange: Exchange): boolean {
  const isLast = booleanField(exchange, "Upload-Complete");
  if (isLast !== undefined) return isLast;
  throw new HttpError("invalid_argument", "Upload-Complete must be ?1, where the body ends the content, or ?0.");
}

/** How long the whole will be, as far as the request tells. @throws HttpError `invalid_argument` */
function totalOf(exchange: Exchange, offset: number, isLast: boolean): number | undefined {
  const said = integerField(exchange, "Upload-Length");
  const { length } = exchange.body;
  const follows = isLast && length !== undefined ? offset + length : undefined;
  if (said !== undefined && follows !== undefined && said !== follows) throw inconsistent(said, follows);
  return said ?? follows;
}

/** @throws HttpError `invalid_argument` */
function checkTotal(session: UploadSession, total: number | undefined, length: number | undefined): void {
  const size = session.size ?? (session.status === "complete" ? session.offset : null);
  if (size !== null && total !== undefined && total !== size) throw inconsistent(total, size);
  if (size !== null && length !== undefined && session.offset + length > size)
    throw inconsistent(session.offset + length, size);
}

function inconsistent(one: number, other: number): HttpError {
  const message = `The request says that the upload has ${count(one, "byte")}, and it is one of ${other}. Nothing was changed.`;
  return new HttpError("invalid_argument", message, {}, { type: `${problemTypes}inconsistent-upload-length` });
}
