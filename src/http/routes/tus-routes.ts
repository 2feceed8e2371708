import type { HttpContext } from "../context.js";
import { sendContent } from "../download/send-content.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";
import { createByTus, handleTus } from "../protocols/tus.js";
import { speakTus, tusBodyType, tusVersion } from "../protocols/tus-fields.js";
import type { Operation, Route } from "../route.js";
import { sessionIdOf } from "../security/authorize.js";

/*
 * The URLs that tus clients use. A session that was created here is an ordinary session. It has its own upload URL too.
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
      "Tus-Resumable": tusVersion,
      "Upload-Length": "Size of the whole content in bytes",
      "Upload-Defer-Length": "`1` in place of Upload-Length, if the size is not known yet",
      "Upload-Metadata":
        "bucket, key (or filename) and filetype, each with its base64. Every other entry becomes metadata of the artifact.",
    },
    bytes: tusBodyType,
    answers: { 201: { description: "Created. Location is the upload URL." } },
  },
  handle(context, exchange) {
    speakTus(exchange);
    return createByTus(context, exchange);
  },
};

const path = "/v1/tus/{session}";

function tusRoute(method: string, isWriting: boolean, operation: Operation): Route {
  return {
    method,
    path,
    right: "upload-url",
    isWriting,
    operation,
    handle(context, exchange, parameters) {
      speakTus(exchange);
      return handleTus(context, exchange, sessionIdOf(parameters));
    },
  };
}

const head = tusRoute("HEAD", false, {
  id: "getTusOffset",
  summary: "Get the offset of an upload by tus 1.0",
  answers: { 200: { description: "The offset is in Upload-Offset" } },
});

const patch = tusRoute("PATCH", true, {
  id: "appendToTusUpload",
  summary: "Append to an upload by tus 1.0",
  headers: {
    "Tus-Resumable": tusVersion,
    "Upload-Offset": "Offset of the body's first byte",
    "Upload-Checksum": "Name of an algorithm, and the body's digest in base64. A body with another digest is not kept.",
  },
  bytes: tusBodyType,
  answers: { 204: { description: "Upload-Offset is the number of bytes that are stored" } },
});

const terminate = tusRoute("DELETE", true, {
  id: "terminateTusUpload",
  summary: "Terminate an upload by tus 1.0. The artifact of a complete upload stays.",
  headers: { "Tus-Resumable": tusVersion },
  answers: { 204: { description: "The upload is ended" } },
});

/** For clients that cannot send PATCH or DELETE: `X-HTTP-Method-Override` names the method. */
const post: Route = { ...patch, method: "POST", operation: undefined };

const get: Route = {
  method: "GET",
  path,
  right: "upload-url",
  isWriting: false,
  operation: {
    id: "getTusContent",
    summary: "Get the content of a complete upload. Without the token this works for an hour after the completion.",
    answers: {
      200: { description: "The content", bytes: true },
      206: { description: "The requested part of the content", bytes: true },
    },
  },
  handle: (context, exchange, parameters) => readUploaded(context, exchange, sessionIdOf(parameters)),
};

/** @throws HttpError `not_found` before the completion, `gone` an hour after it */
async function readUploaded({ store, auth }: HttpContext, exchange: Exchange, id: string): Promise<Answer | undefined> {
  const { artifact } = await store.uploads.getWithoutTail(id);
  if (artifact === undefined) {
    throw new HttpError("not_found", "The upload is not complete, so it has no content yet: complete it first.");
  }
  // Without the token, an upload URL gives the content only while the session still answers with a download URL.
  if (artifact.url === undefined && !auth.isBearer(exchange)) throw new HttpError("gone", overMessage);
  return sendContent(exchange, await store.artifacts.open(artifact.bucket, artifact.key, artifact.version));
}

const overMessage =
  "The upload was completed more than an hour ago, so its URL alone no longer gives the content: send Authorization: Bearer TOKEN with it, or with GET /v1/content/{bucket}/{key}.";

export const tusRoutes: readonly Route[] = [create, head, patch, terminate, post, get];
