import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import { versionGuard } from "../../api/change-schemas.js";
import { guardArgument } from "../../api/guard-arguments.js";
import { artifact, bucket, contentSha256, cursor, key, limit, pageOf, session, uploadSize } from "../../api/schemas.js";
import { withCommand } from "../../api/upload-command.js";
import { answerUpload } from "../protocols/plain.js";
import type { Route } from "../route.js";
import { readQuery } from "./read-query.js";

const listQuery = z.strictObject({
  bucket: bucket.optional(),
  key: key.optional().meta({ description: "Only uploads to this key of the bucket." }),
  all: z.boolean().optional().meta({ description: "Lists also sessions that are complete, aborted or expired." }),
  cursor,
  limit,
});
const completeBody = z.strictObject({
  sha256: contentSha256.meta({ description: "In place of the digest given at creation." }),
  size: uploadSize.meta({ description: "The offset, to confirm that these bytes are the whole content." }),
  if_version: versionGuard.meta({ description: "In place of the guard given at creation." }),
});

const path = "/v1/sessions/{id}";

const list: Route = {
  method: "GET",
  path: "/v1/sessions",
  right: "token",
  isWriting: false,
  operation: {
    id: "listUploadSessions",
    summary: "List unfinished upload sessions, newest first",
    query: listQuery,
    answers: { 200: { description: "A page of sessions", json: pageOf(session) } },
  },
  async handle({ store }, exchange) {
    const page = await store.uploads.list(readQuery(exchange, listQuery));
    return { status: 200, body: { ...page, data: page.data.map(withCommand) } };
  },
};

const get: Route = {
  method: "GET",
  path,
  right: "token",
  isWriting: false,
  operation: {
    id: "getUploadSessionById",
    summary: "Get an upload session by its id",
    answers: { 200: { description: "The session", json: session } },
  },
  handle: async ({ store }, _exchange, { id = "" }) => ({
    status: 200,
    body: withCommand(await store.uploads.get(id)),
  }),
};

const complete: Route = {
  method: "POST",
  path: `${path}/complete`,
  right: "token",
  isWriting: true,
  operation: {
    id: "completeUpload",
    summary: "Publish what was uploaded, also after a conflict or with another digest",
    description: "Repeated for a complete upload, it answers the same artifact.",
    json: completeBody,
    answers: {
      200: { description: "The artifact", json: artifact },
      202: { description: "The artifact is being published. Ask again for the result.", json: session },
    },
  },
  async handle({ store }, exchange, { id = "" }) {
    const { if_version, ...wanted } = readArguments(completeBody, await exchange.json(), "this request");
    return answerUpload(await store.uploads.complete(id, { ...wanted, ...guardArgument(if_version) }));
  },
};

const abort: Route = {
  method: "DELETE",
  path,
  right: "token",
  isWriting: true,
  operation: {
    id: "abortUploadById",
    summary: "Abort an upload by its id, and delete its bytes",
    answers: { 200: { description: "The session", json: session } },
  },
  handle: async ({ store }, _exchange, { id = "" }) => answerUpload(await store.uploads.abort(id)),
};

/**
 * Routes with which the holder of the token finds, completes and aborts upload sessions. An upload URL is no right to
 * them: whoever has one must not get around the guard or the digest that were given at creation.
 */
export const sessionControlRoutes: readonly Route[] = [list, get, complete, abort];
