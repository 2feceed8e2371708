import { createHash } from "node:crypto";
import { z } from "zod";
import { artifact, session, version } from "../../api/fields.js";
import type { SaveArtifact } from "../../store/artifacts/artifact-saves.js";
import type { Artifact } from "../../store/model/artifact.js";
import { ArtifactError } from "../../store/model/errors.js";
import { checksumMismatch, type DigestAlgorithm } from "../../store/model/session-errors.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { StreamChecksum } from "../../store/uploads/upload-stream.js";
import { type HttpContext, locationOf } from "../context.js";
import { sendContent } from "../message/content.js";
import { type Answer, type Exchange, refuseContentCoding, refuseForm } from "../message/exchange.js";
import { checkHasBody, contentDigest, mediaType, promisedDigest } from "../message/fields.js";
import { etagOf, guardError, idempotencyKey, readGuard } from "../message/guard.js";
import { HttpError } from "../message/http-error.js";
import { createResumable, isResumable, resumableForm } from "../protocols/resumable.js";
import type { Operation, Parameters, Route } from "../route.js";
import { readQuery } from "./query.js";

const path = "/v1/content/{bucket}/{key}";
/** A body up to this many bytes is gathered, and saved in one step: a session takes twice as long. */
const gatheredBytes = 256 * 1024;
/** `expires` and `signature` let in whoever has the URL; they have been checked before. */
const one = z.strictObject({
  version,
  expires: z.int().min(0).optional().meta({ description: "Unix seconds until which a signed URL works." }),
  signature: z.string().optional().meta({ description: "Of a signed URL: in place of the token." }),
});

async function read({ store }: HttpContext, exchange: Exchange, { bucket = "", key = "" }: Parameters) {
  return sendContent(exchange, await store.artifacts.open(bucket, key, readQuery(exchange, one).version));
}

/** Whether the URL itself lets its bearer read. The store is not asked: nobody without the right learns what is there. */
export function isSigned({ links }: HttpContext, { target }: Exchange, parameters: Parameters): boolean {
  const { bucket = "", key = "" } = parameters;
  const [version = 0, expires = 0] = ["version", "expires"].map((name) => Number(target.query.get(name) ?? 0));
  const signature = target.query.get("signature") ?? "";
  return links.isDownload({ bucket, key: key.normalize("NFC"), version }, expires, signature);
}

/** A whole body in one go, or the beginning of an upload that can be resumed. */
async function write(context: HttpContext, exchange: Exchange, { bucket = "", key = "" }: Parameters): Promise<Answer> {
  refusePart(exchange);
  refuseForm(exchange);
  checkHasBody(exchange);
  const guard = await readGuard(context, exchange, bucket, key);
  const type = mediaType(exchange.header("content-type"));
  // What curl and others say of any body, unless they are told otherwise.
  const mime_type = /^application\/x-www-form-urlencoded\b/i.test(type ?? "") ? undefined : type;
  const wanted = { bucket, key, mime_type, ...guard, idempotency_key: idempotencyKey(exchange), saved_by: "http" };
  try {
    if (!isResumable(exchange)) return await save(context, exchange, wanted);
    exchange.formOf = resumableForm(exchange);
    return await createResumable(context, exchange, wanted);
  } catch (error) {
    throw await guardError(context, guard, error, wanted);
  }
}

/** @throws HttpError where the body is a part of the content: it would take the place of all of it */
function refusePart(exchange: Exchange): void {
  const offset = exchange.header("upload-offset") ?? "0";
  if (exchange.header("content-range") === undefined && /^0+$/.test(offset)) return;
  throw new HttpError(
    "invalid_argument",
    "A part cannot be saved here: create an upload session (POST /v1/artifacts), whose url takes Content-Range and Upload-Offset.",
  );
}

async function save(context: HttpContext, exchange: Exchange, wanted: Wanted): Promise<Answer> {
  refuseContentCoding(exchange);
  const promised = { sha256: promisedDigest(exchange), checksum: contentDigest(exchange) };
  const { length } = exchange.body;
  if (length !== undefined && length <= Math.min(gatheredBytes, context.maxChunkBytes)) {
    const described = { ...wanted, defaultMimeType: "application/octet-stream" };
    context.store.artifacts.checkSave(described, length);
    return saved(wanted, await saveAtOnce(context, await exchange.bytes(length), described, promised));
  }
  const now = await saveAsUpload(context, exchange, wanted, promised);
  if (now.artifact !== undefined) return saved(wanted, now.artifact);
  return { status: 202, headers: { location: locationOf(context, now) }, body: now };
}

function saved({ if_version }: Wanted, artifact: Artifact): Answer {
  const isFirst = (artifact.version === 1 || if_version === 0) && artifact.already_saved === undefined;
  return { status: isFirst ? 201 : 200, headers: { etag: etagOf(artifact) }, body: artifact };
}

/** What the request says of its artifact. */
type Wanted = Omit<SaveArtifact, "bytes" | "defaultMimeType">;

/** What the client says that its body has. */
interface Promised {
  readonly sha256: string | undefined;
  readonly checksum: StreamChecksum | undefined;
}

async function saveAtOnce(
  { store }: HttpContext,
  bytes: Buffer,
  described: Omit<SaveArtifact, "bytes">,
  { sha256, checksum }: Promised,
): Promise<Artifact> {
  const whole: StreamChecksum[] = sha256 === undefined ? [] : [{ algorithm: "sha256", digest: sha256 }];
  for (const { algorithm, digest } of checksum === undefined ? whole : [...whole, checksum]) {
    const actual = createHash(algorithm).update(bytes).digest("hex");
    if (actual !== digest) throw wrongBody(digest, actual, algorithm);
  }
  return store.artifacts.save({ ...described, bytes });
}

async function saveAsUpload(
  { store, log }: HttpContext,
  { body }: Exchange,
  wanted: Wanted,
  { sha256, checksum }: Promised,
): Promise<UploadSession> {
  const { id } = await store.uploads.create({ ...wanted, size: body.length, sha256, isNew: true });
  try {
    return await store.uploads.appendStream(id, body, { offset: 0, length: body.length, checksum, isLast: true });
  } catch (error) {
    // Nobody knows of the session, so nobody could go on with it.
    await store.uploads
      .abort(id)
      .catch((failure) => log("warn", "save_left_behind", { session: id, error: String(failure) }));
    const isOfWhole = error instanceof ArtifactError && error.details["expected"] === sha256;
    if (sha256 === undefined || !isOfWhole) throw error;
    throw wrongBody(sha256, String(error.details["actual"]), "sha256");
  }
}

function wrongBody(expected: string, actual: string, algorithm: DigestAlgorithm): ArtifactError {
  return checksumMismatch(expected, actual, "the body", { next: "send_again", algorithm }, "Nothing was saved.");
}

const readOperation: Omit<Operation, "id" | "summary"> = {
  query: one,
  headers: {
    Range: "One range of bytes or several",
    "If-Range": "An ETag: the range only of that content, else all of it",
    "If-None-Match": "ETags that the client has",
    "If-Match": "ETags that it must have",
    "If-Modified-Since": "Nothing is sent if it was saved no later than this",
    "If-Unmodified-Since": "Nothing is sent if it was saved later than this",
  },
  answers: {
    200: { says: "The content", bytes: true },
    206: { says: "The parts of it that were asked for", bytes: true },
    304: { says: "The client has it" },
  },
};
const writeOperation: Omit<Operation, "id" | "summary"> = {
  description: "Content-Type is the content's; where that is no media type, the key's extension tells it.",
  headers: {
    "If-Match": "The ETag of the newest version, or `*`: otherwise nothing is saved",
    "If-None-Match": "`*`: nothing is saved where the key exists",
    "If-Unmodified-Since": "Nothing is saved if the newest version is younger than this",
    "Idempotency-Key": "Up to 255 characters: the same request sent again answers with the version that it made",
    "Content-Digest": "Checked before anything is kept",
    "Repr-Digest": "The same, for the whole of an upload that is resumed",
    "Upload-Complete":
      "Makes it an upload that can be resumed (Resumable Uploads for HTTP): `?1` where the body is all, `?0` where more comes",
  },
  bytes: "application/octet-stream",
  answers: {
    200: { says: "A new version, or the same as before", json: artifact },
    201: { says: "The first version; or, of an upload that goes on, its Location", json: artifact },
    202: { says: "All bytes are there, and it is being published: ask again", json: session },
  },
};

export const contentRoutes: readonly Route[] = [
  {
    ...{ method: "GET", path, right: "download-url", isWriting: false, handle: read },
    operation: { id: "getContent", summary: "Get content", ...readOperation },
  },
  {
    ...{ method: "HEAD", path, right: "download-url", isWriting: false, handle: read },
    operation: { id: "headContent", summary: "Get what is known of content", ...readOperation },
  },
  {
    ...{ method: "PUT", path, right: "token", isWriting: true, handle: write },
    operation: { id: "putContent", summary: "Save a whole body in one go", ...writeOperation },
  },
  {
    ...{ method: "POST", path, right: "token", isWriting: true, handle: write },
    operation: { id: "postContent", summary: "The same as PUT", ...writeOperation },
  },
];
