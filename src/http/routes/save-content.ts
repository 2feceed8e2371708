import { createHash } from "node:crypto";
import { z } from "zod";
import { expiresIn } from "../../api/change-schemas.js";
import { expiresInOf } from "../../api/expires-in.js";
import { metadata } from "../../api/schemas.js";
import type { SaveArtifact } from "../../store/artifacts/artifact-saves.js";
import type { Artifact } from "../../store/model/artifact.js";
import { ArtifactError } from "../../store/model/errors.js";
import { checksumMismatch, type DigestAlgorithm } from "../../store/model/session-errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { StreamChecksum } from "../../store/uploads/upload-stream.js";
import { type HttpContext, uploadLocation } from "../context.js";
import { refuseContentEncoding, refuseForm, requireBody } from "../message/body-checks.js";
import { contentDigest, promisedDigest } from "../message/digest-fields.js";
import { etagOf } from "../message/etag.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { idempotencyKey, mediaType } from "../message/header-fields.js";
import { HttpError } from "../message/http-error.js";
import { createResumable } from "../protocols/resumable.js";
import { isResumable } from "../protocols/resumable-fields.js";
import { resumableForm } from "../protocols/resumable-problems.js";
import type { Parameters } from "../route.js";
import { preconditionError, readPrecondition } from "./preconditions.js";
import { readQuery } from "./read-query.js";

/** A body up to this size is held in memory and saved in one step, which takes half as long as a session. */
const maxSaveBytes = 256 * 1024;

/** The artifact to save, as the request describes it. */
type SaveRequest = Omit<SaveArtifact, "bytes" | "defaultMimeType">;

/** Digests that the client gave for the body. */
interface PromisedDigests {
  /** SHA-256 of the whole content in hex, from `Repr-Digest`. */
  readonly sha256: string | undefined;
  /** Digest of the body, from `Content-Digest`. */
  readonly checksum: StreamChecksum | undefined;
}

/** What a body cannot say of its artifact. Header fields carry no Unicode, so it stands in the query. */
export const writeQuery = z.strictObject({ expires_in: expiresIn, metadata });

/** Saves the whole body, or begins a resumable upload. */
export async function writeContent(
  context: HttpContext,
  exchange: Exchange,
  { bucket = "", key = "" }: Parameters,
): Promise<Answer> {
  refusePart(exchange);
  refuseForm(exchange);
  requireBody(exchange);
  const { metadata, expires_in } = readQuery(exchange, writeQuery);
  const lifetime = expiresInOf(expires_in);
  const precondition = await readPrecondition(context, exchange, bucket, key);
  const type = mediaType(exchange.header("content-type"));
  const request = {
    bucket,
    key,
    // curl and others send the type of a form with any body, unless told otherwise.
    mime_type: /^application\/x-www-form-urlencoded\b/i.test(type ?? "") ? undefined : type,
    metadata,
    expires_in: lifetime,
    ...precondition,
    idempotency_key: idempotencyKey(exchange),
    saved_by: "http",
  };
  try {
    if (!isResumable(exchange)) return await save(context, exchange, request);
    exchange.problemFormOf = resumableForm(exchange);
    return await createResumable(context, exchange, request);
  } catch (error) {
    throw await preconditionError(context, precondition, error, request);
  }
}

/** Refuses a part of the content, because it would replace the whole content. @throws HttpError `invalid_argument` */
function refusePart(exchange: Exchange): void {
  const offset = exchange.header("upload-offset") ?? "0";
  if (exchange.header("content-range") === undefined && /^0+$/.test(offset)) return;
  throw new HttpError(
    "invalid_argument",
    "This URL takes only the whole content. To send it in parts, create an upload session with POST /v1/artifacts: its url takes Content-Range and Upload-Offset.",
  );
}

async function save(context: HttpContext, exchange: Exchange, request: SaveRequest): Promise<Answer> {
  refuseContentEncoding(exchange);
  const promised = { sha256: promisedDigest(exchange), checksum: contentDigest(exchange) };
  const { length } = exchange.body;
  if (length !== undefined && length <= Math.min(maxSaveBytes, context.maxChunkBytes)) {
    const described = { ...request, defaultMimeType: "application/octet-stream" };
    context.store.artifacts.checkSave(described, length);
    return answerSaved(request, await saveAtOnce(context, await exchange.bytes(length), described, promised));
  }
  const session = await saveAsUpload(context, exchange, request, promised);
  if (session.artifact !== undefined) return answerSaved(request, session.artifact);
  return { status: 202, headers: { location: uploadLocation(context, session) }, body: session };
}

function answerSaved({ if_version }: SaveRequest, artifact: Artifact): Answer {
  const isFirst = (artifact.version === 1 || if_version === 0) && artifact.already_saved === undefined;
  return { status: isFirst ? 201 : 200, headers: { etag: etagOf(artifact) }, body: artifact };
}

async function saveAtOnce(
  { store }: HttpContext,
  bytes: Buffer,
  described: Omit<SaveArtifact, "bytes">,
  { sha256, checksum }: PromisedDigests,
): Promise<Artifact> {
  const whole: StreamChecksum[] = sha256 === undefined ? [] : [{ algorithm: "sha256", digest: sha256 }];
  for (const { algorithm, digest } of checksum === undefined ? whole : [...whole, checksum]) {
    const actual = createHash(algorithm).update(bytes).digest("hex");
    if (actual !== digest) throw bodyMismatch(digest, actual, algorithm);
  }
  return store.artifacts.save({ ...described, bytes });
}

async function saveAsUpload(
  { store, log }: HttpContext,
  { body }: Exchange,
  request: SaveRequest,
  { sha256, checksum }: PromisedDigests,
): Promise<UploadSession> {
  const { id } = await store.uploads.create({ ...request, size: body.length, sha256, isNew: true });
  try {
    return await store.uploads.appendStream(id, body, { offset: 0, length: body.length, checksum, isLast: true });
  } catch (error) {
    // No client knows the session, so none could continue it.
    await store.uploads
      .abort(id)
      .catch((failure) => log("warn", "save_left_behind", { session: id, error: String(failure) }));
    const isOfWhole = error instanceof ArtifactError && error.details["expected"] === sha256;
    if (sha256 === undefined || !isOfWhole) throw error;
    throw bodyMismatch(sha256, String(error.details["actual"]), "sha256");
  }
}

function bodyMismatch(expected: string, actual: string, algorithm: DigestAlgorithm): ArtifactError {
  return checksumMismatch(expected, actual, "the body", { next: "send_again", algorithm }, "Nothing was saved.");
}
