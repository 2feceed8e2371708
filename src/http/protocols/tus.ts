import type { CreateUpload } from "../../store/uploads/new-session.js";
import { type HttpContext, uploadLocation } from "../context.js";
import { refuseContentEncoding } from "../message/body-checks.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { byteCountField, idempotencyKey } from "../message/header-fields.js";
import { HttpError } from "../message/http-error.js";
import { tusBase } from "../security/signed-urls.js";
import { checkLengthFields, expiresFields, readChecksum, tusBodyType, tusMethod } from "./tus-fields.js";
import { readTusMetadata, writeTusMetadata } from "./tus-metadata.js";
import { checkNotEnded, checkOffset } from "./upload-checks.js";

/*
 * tus 1.0.0 with creation, creation-with-upload, creation-defer-length, checksum, expiration and termination.
 */

/** Creates an upload, with its first bytes if the request has some. */
export async function createByTus(context: HttpContext, exchange: Exchange): Promise<Answer> {
  const { uploads } = context.store;
  if (exchange.header("upload-concat") !== undefined) {
    throw new HttpError(
      "invalid_argument",
      "This server does not support Upload-Concat: leave it out, and send the content as one upload.",
    );
  }
  const size = byteCountField(exchange, "Upload-Length");
  checkLengthFields(exchange, size);
  const upload: CreateUpload = {
    ...readTusMetadata(exchange.header("upload-metadata") ?? ""),
    size,
    idempotency_key: idempotencyKey(exchange),
    saved_by: "http",
  };
  const withUpload = exchange.header("content-type") === tusBodyType && exchange.body.length !== 0;
  const checksum = withUpload ? readChecksum(exchange) : undefined;
  let session = await uploads.create(upload);
  const location = { location: uploadLocation(context, session, tusBase) };
  if (withUpload) {
    const { length } = exchange.body;
    session = await uploads.appendStream(session.id, exchange.body, { offset: 0, length, checksum });
  }
  const offset = withUpload ? { "upload-offset": String(session.offset) } : {};
  return { status: 201, headers: { ...location, ...offset, ...expiresFields(session) } };
}

/**
 * Answers a request to an upload URL with the method that the tus client means.
 *
 * @throws HttpError `method_not_allowed`
 */
export function handleTus(context: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  switch (tusMethod(exchange)) {
    case "HEAD":
      return describeToTus(context, id);
    case "PATCH":
      return appendByTus(context, exchange, id);
    case "DELETE":
      return terminateByTus(context, id);
    default:
      throw new HttpError("method_not_allowed", "An upload URL takes HEAD, PATCH and DELETE from tus clients.", {
        allow: "HEAD, PATCH, DELETE, OPTIONS",
      });
  }
}

async function describeToTus({ store }: HttpContext, id: string): Promise<Answer> {
  const session = await store.uploads.getWithoutTail(id);
  checkNotEnded(session);
  const { offset, size, status } = session;
  const total = size ?? (status === "complete" ? offset : null);
  const length = total === null ? { "upload-defer-length": "1" } : { "upload-length": String(total) };
  const text = writeTusMetadata(session);
  const metadata = text === "" ? {} : { "upload-metadata": text };
  return {
    status: 200,
    headers: {
      "upload-offset": String(offset),
      ...length,
      ...metadata,
      ...expiresFields(session),
      "cache-control": "no-store",
    },
  };
}

async function appendByTus({ store }: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  const { uploads } = store;
  refuseContentEncoding(exchange);
  if (exchange.header("content-type") !== tusBodyType) {
    throw new HttpError("unsupported_media_type", `A tus PATCH needs Content-Type: ${tusBodyType}.`);
  }
  const offset = byteCountField(exchange, "Upload-Offset");
  if (offset === undefined) throw new HttpError("invalid_argument", "A tus PATCH needs Upload-Offset.");
  const size = byteCountField(exchange, "Upload-Length");
  const checksum = readChecksum(exchange);
  checkOffset(await uploads.getWithoutTail(id), offset);
  if (size !== undefined) await uploads.declareSize(id, size);
  const { length } = exchange.body;
  const session = await uploads.appendStream(id, exchange.body, { offset, length, checksum });
  return { status: 204, headers: { "upload-offset": String(session.offset), ...expiresFields(session) } };
}

/** Ends an upload. The artifact of a complete upload stays: its deletion needs the token. */
async function terminateByTus({ store }: HttpContext, id: string): Promise<Answer> {
  await store.uploads.dismiss(id);
  return { status: 204 };
}
