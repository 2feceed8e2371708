import { artifact, session } from "../../api/fields.js";
import { withCommand } from "../../api/upload-command.js";
import type { HttpContext } from "../context.js";
import type { Answer, Exchange } from "../message/exchange.js";
import { HttpError } from "../message/http-error.js";
import { answerUpload, uploadBytes } from "../protocols/original.js";
import { appendResumable, describeResumable, resumableForm } from "../protocols/resumable.js";
import { appendByTus, describeToTus, isTus, speakTus, terminateByTus, tusForm, tusMethod } from "../protocols/tus.js";
import type { Operation, Parameters, Route } from "../route.js";

/** The id of an upload URL, whose code has been checked. */
export function idOf({ session: given = "" }: Parameters): string {
  return given.split(".", 1)[0] ?? "";
}

/** The code that makes an upload URL good by itself, if there is one. */
export function codeOf({ session: given = "" }: Parameters): string | undefined {
  const at = given.indexOf(".");
  return at < 0 ? undefined : given.slice(at + 1);
}

const path = "/v1/artifacts/session:{session}";
const uploadHeaders = {
  "Upload-Offset": "Where the body begins, in bytes. Left out: 0 for a PUT, the session's offset for a POST.",
  "Content-Range": "The same, as `bytes first-last/total`.",
  "Upload-Complete":
    "`?1` where nothing comes behind the body: ends an upload whose size was not declared. Left out: `?1` for a PUT of a whole body, else `?0`.",
  "Content-Digest": "Of the body: checked before any of it is kept.",
  "Repr-Digest": "Of the whole content: any other is not published.",
};
const uploaded: Operation["answers"] = {
  200: { says: "The artifact once it is complete, else the session", json: artifact.or(session) },
  202: { says: "All bytes are there, and the artifact is being put together: ask again", json: session },
};

function sessionRoute(
  method: string,
  isWriting: boolean,
  operation: Operation,
  handle: (context: HttpContext, exchange: Exchange, id: string) => Promise<Answer | undefined>,
): Route {
  return {
    ...{ method, path, right: "upload-url", isWriting, operation },
    handle(context, exchange, parameters) {
      const id = idOf(parameters);
      if (!isTus(exchange)) return handle(context, exchange, id);
      speakTus(exchange);
      exchange.formOf = tusForm;
      return handleTus(context, exchange, id);
    },
  };
}

export function handleTus(context: HttpContext, exchange: Exchange, id: string): Promise<Answer> {
  switch (tusMethod(exchange)) {
    case "HEAD":
      return describeToTus(context, id);
    case "PATCH":
      return appendByTus(context, exchange, id);
    case "DELETE":
      return terminateByTus(context, id);
    default:
      throw new HttpError("method_not_allowed", "A tus upload takes HEAD, PATCH and DELETE.", {
        allow: "HEAD, PATCH, DELETE, OPTIONS",
      });
  }
}

const get = sessionRoute(
  "GET",
  false,
  {
    id: "getUploadSession",
    summary: "Get an upload session: its offset says where to go on",
    answers: { 200: { says: "The session", json: session } },
  },
  async ({ store }, _exchange, id) => ({ status: 200, body: withCommand(await store.uploads.get(id)) }),
);

const post = sessionRoute(
  "POST",
  true,
  {
    id: "appendToUpload",
    summary: "Upload content, going on where the session stands",
    headers: uploadHeaders,
    bytes: "application/octet-stream",
    answers: uploaded,
  },
  uploadBytes,
);

const put = sessionRoute(
  "PUT",
  true,
  {
    id: "putUpload",
    summary: "Upload content from its first byte, as `curl -T FILE URL` does; what is stored already must be the same",
    headers: uploadHeaders,
    bytes: "application/octet-stream",
    answers: uploaded,
  },
  uploadBytes,
);

const head = sessionRoute(
  "HEAD",
  false,
  {
    id: "getUploadOffset",
    summary: "Where the upload stands: tus 1.0 with Tus-Resumable, else Resumable Uploads for HTTP",
    answers: { 200: { says: "In header fields (tus)" }, 204: { says: "In header fields" } },
  },
  (context, exchange, id) => describeResumable(context, exchange, id),
);

const patch = sessionRoute(
  "PATCH",
  true,
  {
    id: "appendPart",
    summary: "Append: tus 1.0 with Tus-Resumable, else Resumable Uploads for HTTP",
    headers: {
      "Upload-Offset": "Where the body begins, in bytes",
      "Upload-Complete": uploadHeaders["Upload-Complete"],
    },
    bytes: "application/partial-upload",
    answers: { ...uploaded, 204: { says: "It goes on" } },
  },
  (context, exchange, id) => {
    exchange.formOf = resumableForm(exchange);
    return appendResumable(context, exchange, id);
  },
);

const remove = sessionRoute(
  "DELETE",
  true,
  {
    id: "abortUpload",
    summary: "Abort an upload and free its bytes",
    answers: { 200: { says: "The session", json: session }, 204: { says: "Done (tus)" } },
  },
  async ({ store }, _exchange, id) => answerUpload(await store.uploads.abort(id)),
);

export const sessionRoutes: readonly Route[] = [get, post, put, head, patch, remove];
