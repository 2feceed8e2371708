import { z } from "zod";
import { artifact, session, version } from "../../api/schemas.js";
import type { HttpContext } from "../context.js";
import { sendContent } from "../download/send-content.js";
import type { Answer, Exchange } from "../message/exchange.js";
import type { Operation, Parameters, Route } from "../route.js";
import { readQuery } from "./read-query.js";
import { writeContent, writeQuery } from "./save-content.js";

const path = "/v1/content/{bucket}/{key}";

const contentQuery = z.strictObject({
  version,
  expires: z.int().min(0).optional().meta({ description: "Unix seconds until which a signed URL is valid." }),
  signature: z.string().optional().meta({ description: "Signature of a signed URL. It replaces the token." }),
});

/** A signed URL has been checked before. */
async function readContent(
  { store }: HttpContext,
  exchange: Exchange,
  { bucket = "", key = "" }: Parameters,
): Promise<Answer | undefined> {
  return sendContent(exchange, await store.artifacts.open(bucket, key, readQuery(exchange, contentQuery).version));
}

const readOperation: Omit<Operation, "id" | "summary"> = {
  query: contentQuery,
  headers: {
    Range: "One range of bytes, or several",
    "If-Range": "An ETag: Range applies only to content with this ETag, otherwise the whole content is sent",
    "If-None-Match": "ETags that the client has: nothing is sent if the content has one of them",
    "If-Match": "ETags, one of which the content must have",
    "If-Modified-Since": "Nothing is sent if the content was saved no later than this",
    "If-Unmodified-Since": "Nothing is sent if the content was saved later than this",
  },
  answers: {
    200: { description: "The content", bytes: true },
    206: { description: "The requested parts of the content", bytes: true },
    304: { description: "The client has the content already" },
  },
};

const writeOperation: Omit<Operation, "id" | "summary"> = {
  query: writeQuery,
  description:
    "Content-Type is the media type of the content. If it is missing or no media type, the key's extension decides the type.",
  headers: {
    "If-Match": "The ETag of the newest version, or `*` for any version: otherwise nothing is saved",
    "If-None-Match": "`*`: nothing is saved if the key exists",
    "If-Unmodified-Since": "Nothing is saved if the newest version is later than this",
    "Idempotency-Key": "Up to 255 characters. The same request sent again answers with the version that it made.",
    "Content-Digest": "Digest of the body. It is checked before any of the body is kept.",
    "Repr-Digest":
      "Digest of the whole content, also of a resumable upload. Content with another digest is not published.",
    "Upload-Complete":
      "Makes the request a resumable upload (Resumable Uploads for HTTP): `?1` if the body is the whole content, `?0` if more follows",
  },
  bytes: "application/octet-stream",
  answers: {
    200: { description: "A new version, or an existing one with the same content", json: artifact },
    201: { description: "The first version; for a resumable upload that continues, its Location", json: artifact },
    202: {
      description: "All bytes are stored, and the artifact is being published. Ask again for the result.",
      json: session,
    },
  },
};

export const contentRoutes: readonly Route[] = [
  {
    method: "GET",
    path,
    right: "download-url",
    isWriting: false,
    handle: readContent,
    operation: { id: "getContent", summary: "Get content", ...readOperation },
  },
  {
    method: "HEAD",
    path,
    right: "download-url",
    isWriting: false,
    handle: readContent,
    operation: { id: "headContent", summary: "Get the header fields of content", ...readOperation },
  },
  {
    method: "PUT",
    path,
    right: "token",
    isWriting: true,
    handle: writeContent,
    operation: { id: "putContent", summary: "Save content in one request", ...writeOperation },
  },
  {
    method: "POST",
    path,
    right: "token",
    isWriting: true,
    handle: writeContent,
    operation: { id: "postContent", summary: "Save content in one request, like PUT", ...writeOperation },
  },
];
