import { ArtifactError } from "../../store/model/errors.js";
import { suggestKey } from "../../store/model/names.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import type { CreateUpload } from "../../store/uploads/new-session.js";
import type { StreamChecksum } from "../../store/uploads/upload-stream.js";
import { expiresField, type HttpContext, locationOf } from "../context.js";
import { tusBase } from "../links.js";
import { type Answer, type Exchange, refuseContentCoding } from "../message/exchange.js";
import { mediaType, wholeNumber } from "../message/fields.js";
import { idempotencyKey } from "../message/guard.js";
import { type HeaderValues, HttpError } from "../message/http-error.js";
import type { ProblemForm } from "../message/problem.js";
import { checkAlive, checkOffset } from "./strict.js";

/*
 * tus 1.0.0 with creation, creation-with-upload, creation-defer-length, checksum, expiration and termination.
 */

export const tusVersion = "1.0.0";
const bodyType = "application/offset+octet-stream";
const defaultBucket = "uploads";
const defaultType = "application/octet-stream";
const algorithms = ["sha1", "sha256", "sha512", "md5"] as const;

/** Whether a request, or who will read the answer, speaks tus. */
export function isTus(exchange: Exchange): boolean {
  return exchange.header("tus-resumable") !== undefined;
}

/** The method that is meant by a POST: some clients cannot send all of them. */
export function tusMethod(exchange: Exchange): string {
  const meant = isTus(exchange) && exchange.method === "POST" ? exchange.header("x-http-method-override") : undefined;
  return meant?.toUpperCase() ?? exchange.method;
}

/** What every answer in this dialect has. @throws HttpError for another version of it */
export function speakTus(exchange: Exchange): void {
  exchange.set("tus-resumable", tusVersion);
  const asked = exchange.header("tus-resumable");
  if (asked === tusVersion) return;
  const message = `This server speaks tus ${tusVersion}: send Tus-Resumable: ${tusVersion}.`;
  throw new HttpError("precondition_failed", message, { "tus-version": tusVersion });
}

/** What a client learns before it begins. */
export function tusAbilities({ maxArtifactBytes }: HttpContext): HeaderValues {
  return {
    "tus-resumable": tusVersion,
    "tus-version": tusVersion,
    "tus-extension": "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination",
    "tus-checksum-algorithm": algorithms.join(","),
    ...(maxArtifactBytes < Number.MAX_SAFE_INTEGER ? { "tus-max-size": String(maxArtifactBytes) } : {}),
  };
}

export async function createByTus(context: HttpContext, exchange: Exchange): Promise<Answer> {
  const { uploads } = context.store;
  if (exchange.header("upload-concat") !== undefined) {
    throw new HttpError(
      "invalid_argument",
      "Uploads are not put together here: send the content as one (no Upload-Concat).",
    );
  }
  const size = wholeNumber(exchange, "Upload-Length");
  checkLength(exchange, size);
  const request = { idempotency_key: idempotencyKey(exchange), saved_by: "http" };
  const wanted: CreateUpload = { ...readMetadata(exchange.header("upload-metadata") ?? ""), size, ...request };
  const withUpload = exchange.header("content-type") === bodyType && exchange.body.length !== 0;
  const checksum = withUpload ? readChecksum(exchange) : undefined;
  let session = await uploads.create(wanted);
  const location = { location: locationOf(context, session, tusBase) };
  if (withUpload) {
    const { length } = exchange.body;
    session = await uploads.appendStream(session.id, exchange.body, { offset: 0, length, checksum });
  }
  const offset = withUpload ? { "upload-offset": String(session.offset) } : {};
  return { status: 201, headers: { ...location, ...offset, ...expires(session) } };
}

export async function describeToTus({ store }: HttpContext, id: string): Promise<Answer> {
  const session = await store.uploads.get(id);
  checkAlive(session);
  const { offset, size, status } = session;
  const total = size ?? (status === "complete" ? offset : null);
  const length = total === null ? { "upload-defer-length": "1" } : { "upload-length": String(total) };
  const said = writeMetadata(session, await store.uploads.metadata(id));
  const metadata = said === "" ? {} : { "upload-metadata": said };
  const known = { "upload-offset": String(offset), ...length, ...metadata };
  return { status: 200, headers: { ...known, ...expires(session), "cache-control": "no-store" } };
}

export async function appendByTus({ store }: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  const { uploads } = store;
  refuseContentCoding(exchange);
  if (exchange.header("content-type") !== bodyType) {
    throw new HttpError("unsupported_media_type", `A tus PATCH has Content-Type: ${bodyType}.`);
  }
  const offset = wholeNumber(exchange, "Upload-Offset");
  if (offset === undefined) throw new HttpError("invalid_argument", "A tus PATCH has an Upload-Offset.");
  const size = wholeNumber(exchange, "Upload-Length");
  const checksum = readChecksum(exchange);
  checkOffset(await uploads.get(id), offset);
  if (size !== undefined) await uploads.declareSize(id, size);
  const { length } = exchange.body;
  const session = await uploads.appendStream(id, exchange.body, { offset, length, checksum });
  return { status: 204, headers: { "upload-offset": String(session.offset), ...expires(session) } };
}

/** An upload that is complete is over then, and its artifact stays: to delete that needs the token. */
export async function terminateByTus({ store }: HttpContext, id: string): Promise<Answer> {
  await store.uploads.dismiss(id);
  return { status: 204 };
}

function expires(session: UploadSession): HeaderValues {
  return { "upload-expires": expiresField(session) };
}

/** @throws HttpError `invalid_argument` */
function checkLength(exchange: Exchange, size: number | undefined): void {
  const defer = exchange.header("upload-defer-length");
  if (defer !== undefined && defer !== "1")
    throw new HttpError("invalid_argument", "Upload-Defer-Length is 1, or absent.");
  if ((size === undefined) === (defer === undefined)) {
    throw new HttpError("invalid_argument", "Send Upload-Length, or Upload-Defer-Length: 1 where it is not known yet.");
  }
}

/** @throws HttpError `invalid_argument` */
function readChecksum(exchange: Exchange): StreamChecksum | undefined {
  const text = exchange.header("upload-checksum");
  if (text === undefined) return undefined;
  const [name, base64 = ""] = text.split(" ");
  const algorithm = algorithms.find((known) => known === name);
  if (algorithm !== undefined) return { algorithm, digest: Buffer.from(base64, "base64").toString("hex") };
  throw new HttpError("invalid_argument", `Upload-Checksum must be one of ${algorithms.join(", ")}, and its base64.`);
}

/**
 * `bucket`, `key` and `filetype` say where it goes and what it is; all else is the artifact's metadata. Without `key`
 * the upload is named after its `filename`.
 */
function readMetadata(text: string): Omit<CreateUpload, "size"> {
  const entries = text
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", base64 = ""] = pair.split(" ");
      return [name, decodeUtf8(name, base64)] as const;
    });
  if (entries.some(([name]) => name === "__proto__")) {
    throw new HttpError("invalid_argument", "__proto__ cannot be a name in Upload-Metadata: choose another.");
  }
  const { bucket = defaultBucket, key: given, filetype, ...metadata } = Object.fromEntries(entries);
  const key = given ?? suggestKey(metadata["filename"] ?? "");
  return { bucket, key, isOwnKey: key !== given, mime_type: mediaType(filetype), metadata };
}

/** @throws HttpError `invalid_argument` */
function decodeUtf8(name: string, base64: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw new HttpError("invalid_argument", `Upload-Metadata ${name} must be base64 of UTF-8 text.`);
  }
}

/** Of visible ASCII but the comma. */
const fieldName = /^[\x21-\x2b\x2d-\x7e]+$/;

/** What the client said, as far as it is no default. */
function writeMetadata(session: UploadSession, metadata: Readonly<Record<string, string>>): string {
  const { bucket, key, mime_type } = session;
  const said = {
    ...(bucket === defaultBucket ? {} : { bucket }),
    ...(isOwnKey(session, metadata["filename"]) ? {} : { key }),
    ...(mime_type === defaultType ? {} : { filetype: mime_type }),
  };
  return Object.entries({ ...said, ...metadata })
    .filter(([name]) => fieldName.test(name)) // others came another way, and cannot be said in this one
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");
}

/** Whether a key is the one that an upload gets where the client says none. */
function isOwnKey({ id, key }: UploadSession, filename = ""): boolean {
  const name = suggestKey(filename);
  return key === id || (name !== undefined && (key === name || key === suggestKey(`${id}/${name}`)));
}

/** What fails, in the words of this dialect. */
export function tusForm(error: unknown): ProblemForm {
  if (!(error instanceof ArtifactError)) return {};
  const { code, details } = error;
  if (code === "checksum_mismatch") return { status: 460 };
  const hasEnded = code === "session_closed" && details["status"] === "aborted";
  return hasEnded ? { status: 410 } : {};
}
