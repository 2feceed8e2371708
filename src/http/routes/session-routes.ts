import { artifact, session } from "../../api/schemas.js";
import { withCommand } from "../../api/upload-command.js";
import type { HttpContext } from "../context.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { answerUpload, uploadBytes } from "../protocols/plain.js";
import { appendResumable, describeResumable } from "../protocols/resumable.js";
import { resumableForm } from "../protocols/resumable-problems.js";
import { handleTus } from "../protocols/tus.js";
import { isTus, speakTus } from "../protocols/tus-fields.js";
import type { Operation, Route } from "../route.js";
import { sessionIdOf } from "../security/authorize.js";

const path = "/v1/artifacts/session:{session}";
const uploadHeaders = {
  "Upload-Offset": "Offset of the body's first byte. Default: 0. A POST needs it once bytes are stored.",
  "Content-Range": "The same offset, as `bytes first-last/total`.",
  "Upload-Complete":
    "`?1` if the body ends the content, which completes an upload of undeclared size; otherwise `?0`. Default: `?1` for a PUT of the whole content, and `?0` for other requests.",
  "Content-Digest": "Digest of the body. It is checked before any of the body is kept.",
  "Repr-Digest": "Digest of the whole content. Content with another digest is not published.",
};
const uploadAnswers: Operation["answers"] = {
  200: { description: "The artifact if the upload is complete, otherwise the session", json: artifact.or(session) },
  202: {
    description: "All bytes are stored, and the artifact is being published. Ask again for the result.",
    json: session,
  },
};

/** Returns a route of an upload URL. Requests of tus clients are handled by tus, and others by `handle`. */
function sessionRoute(
  method: string,
  isWriting: boolean,
  operation: Operation,
  handle: (context: HttpContext, exchange: Exchange, id: string) => Promise<Answer | undefined>,
): Route {
  return {
    method,
    path,
    right: "upload-url",
    isWriting,
    operation,
    handle(context, exchange, parameters) {
      const id = sessionIdOf(parameters);
      if (!isTus(exchange)) return handle(context, exchange, id);
      speakTus(exchange);
      return handleTus(context, exchange, id);
    },
  };
}

const get = sessionRoute(
  "GET",
  false,
  {
    id: "getUploadSession",
    summary: "Get an upload session and the offset to continue from",
    answers: { 200: { description: "The session", json: session } },
  },
  async ({ store }, _exchange, id) => ({ status: 200, body: withCommand(await store.uploads.get(id)) }),
);

const post = sessionRoute(
  "POST",
  true,
  {
    id: "appendToUpload",
    summary: "Upload a part of the content",
    headers: uploadHeaders,
    bytes: "application/octet-stream",
    answers: uploadAnswers,
  },
  uploadBytes,
);

const put = sessionRoute(
  "PUT",
  true,
  {
    id: "putUpload",
    summary:
      "Upload content from its first byte, as `curl -T FILE URL` does. Bytes that are stored already must be the same.",
    headers: uploadHeaders,
    bytes: "application/octet-stream",
    answers: uploadAnswers,
  },
  uploadBytes,
);

const head = sessionRoute(
  "HEAD",
  false,
  {
    id: "getUploadOffset",
    summary: "Get the offset of an upload, by tus 1.0 (with Tus-Resumable) or Resumable Uploads for HTTP",
    answers: {
      200: { description: "The offset is in Upload-Offset (tus)" },
      204: { description: "The offset is in Upload-Offset" },
    },
  },
  describeResumable,
);

const patch = sessionRoute(
  "PATCH",
  true,
  {
    id: "appendPart",
    summary: "Append to an upload, by tus 1.0 (with Tus-Resumable) or Resumable Uploads for HTTP",
    headers: {
      "Upload-Offset": "Offset of the body's first byte",
      "Upload-Complete": uploadHeaders["Upload-Complete"],
    },
    bytes: "application/partial-upload",
    answers: { ...uploadAnswers, 204: { description: "The bytes are stored, and the upload is not complete" } },
  },
  (context, exchange, id) => {
    exchange.problemFormOf = resumableForm(exchange);
    return appendResumable(context, exchange, id);
  },
);

const abort = sessionRoute(
  "DELETE",
  true,
  {
    id: "abortUpload",
    summary: "Abort an upload and delete its bytes",
    answers: { 200: { description: "The session", json: session }, 204: { description: "The upload is ended (tus)" } },
  },
  async ({ store }, _exchange, id) => answerUpload(await store.uploads.abort(id)),
);

export const sessionRoutes: readonly Route[] = [get, post, put, head, patch, abort];
