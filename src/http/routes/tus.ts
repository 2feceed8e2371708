import type { HttpContext } from "../context.js";
import { sendContent } from "../message/content.js";
import type { Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";
import { createByTus, speakTus, tusForm } from "../protocols/tus.js";
import type { Operation, Route } from "../route.js";
import { handleTus, idOf } from "./sessions.js";

/*
 * Where tus clients begin and go on. A session that was begun here is one as any other, under its own URL too.
 */

const create: Route = {
  method: "POST",
  path: "/v1/tus",
  right: "token",
  isWriting: true,
  operation: {
    id: "createTusUpload",
    summary: "Create an upload by tus 1.0",
    headers: {
      "Tus-Resumable": "1.0.0",
      "Upload-Length": "Bytes of the whole content",
      "Upload-Defer-Length": "`1` in its place, where it is not known yet",
      "Upload-Metadata":
        "bucket, key (or filename) and filetype, each with its base64; all else becomes the artifact's metadata",
    },
    bytes: "application/offset+octet-stream",
    answers: { 201: { says: "Location is the upload URL" } },
  },
  handle(context, exchange) {
    speakTus(exchange);
    exchange.formOf = tusForm;
    return createByTus(context, exchange);
  },
};

const path = "/v1/tus/{session}";

function route(method: string, isWriting: boolean, operation: Operation): Route {
  return {
    ...{ method, path, right: "upload-url", isWriting, operation },
    handle(context, exchange, parameters) {
      speakTus(exchange);
      exchange.formOf = tusForm;
      return handleTus(context, exchange, idOf(parameters));
    },
  };
}

const head = route("HEAD", false, {
  id: "getTusOffset",
  summary: "Where the upload stands, by tus 1.0",
  answers: { 200: { says: "In header fields" } },
});

const patch = route("PATCH", true, {
  id: "appendToTusUpload",
  summary: "Append, by tus 1.0",
  headers: {
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": "Where the body begins, in bytes",
    "Upload-Checksum": "An algorithm, and the body's digest in base64: nothing of a wrong body is kept",
  },
  bytes: "application/offset+octet-stream",
  answers: { 204: { says: "Upload-Offset says how much is stored" } },
});

const remove = route("DELETE", true, {
  id: "terminateTusUpload",
  summary: "Terminate, by tus 1.0: an upload that is complete is forgotten, and its artifact stays",
  headers: { "Tus-Resumable": "1.0.0" },
  answers: { 204: { says: "It is over" } },
});

/** For clients that cannot send the others: X-HTTP-Method-Override says which it is. */
const post: Route = { ...patch, method: "POST", operation: undefined };

const get: Route = {
  ...{ method: "GET", path, right: "upload-url", isWriting: false },
  operation: {
    id: "getTusContent",
    summary: "The content, once all of it is there; without the token for an hour",
    answers: { 200: { says: "The content", bytes: true }, 206: { says: "The part that was asked for", bytes: true } },
  },
  handle: (context, exchange, parameters) => readUploaded(context, exchange, idOf(parameters)),
};

async function readUploaded({ store, access }: HttpContext, exchange: Exchange, id: string) {
  const { artifact } = await store.uploads.get(id);
  if (artifact === undefined) throw new HttpError("not_found", "The upload is not complete: there is no content yet.");
  // The URL of an upload lets its bearer read for as long as it answers with download URLs.
  if (artifact.url === undefined && !access.isBearer(exchange)) throw new HttpError("gone", overMessage);
  return sendContent(exchange, await store.artifacts.open(artifact.bucket, artifact.key, artifact.version));
}

const overMessage =
  "The upload was complete more than an hour ago, and its URL does not give the content any more: send Authorization: Bearer TOKEN with it, or to /v1/content/{bucket}/{key}.";

export const tusRoutes: readonly Route[] = [create, head, patch, remove, post, get];
