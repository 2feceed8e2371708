import { z } from "zod";
import { readArguments } from "../../shapes/arguments.js";
import {
  artifact,
  bucket,
  cursor,
  deletedVersion,
  delimiter,
  ifVersion,
  key,
  limit,
  metadata,
  mimeType,
  pageOf,
  prefix,
  promisedSha256,
  session,
  uploadSize,
  version,
} from "../../shapes/fields.js";
import { withCommand } from "../../shapes/upload-command.js";
import { locationOf } from "../context.js";
import { etagOf, guardError, idempotencyKey, readGuard } from "../guard.js";
import type { Route } from "../route.js";
import { readQuery } from "./query.js";

const wanted = z.strictObject({
  ...{ bucket, key, mime_type: mimeType, size: uploadSize, sha256: promisedSha256, metadata, if_version: ifVersion },
});
const page = z.strictObject({ cursor, limit });
const listing = z.strictObject({ prefix, delimiter, cursor, limit });
const one = z.strictObject({ version });
const deleted = z.strictObject({ version: deletedVersion });

const createSession: Route = {
  method: "POST",
  path: "/v1/artifacts",
  right: "token",
  isWriting: true,
  operation: {
    id: "createUploadSession",
    summary: "Create an upload session",
    description:
      "The answer's url takes the bytes, without a token; its command is the one that sends a file from a shell.",
    headers: { "Idempotency-Key": "Up to 255 characters: the same request sent again answers with the same session" },
    json: wanted,
    answers: { 201: { says: "The session", json: session } },
  },
  async handle(context, exchange) {
    const upload = readArguments(wanted, await exchange.json(), "this request");
    const request = { idempotency_key: idempotencyKey(exchange), saved_by: "http" };
    const created = await context.store.uploads.create({ ...upload, ...request });
    return { status: 201, headers: { location: locationOf(context, created) }, body: withCommand(created) };
  },
};

const listBuckets: Route = {
  method: "GET",
  path: "/v1/artifacts",
  right: "token",
  isWriting: false,
  operation: {
    id: "listBuckets",
    summary: "List buckets",
    query: page,
    answers: { 200: { says: "A page of buckets", json: pageOf(z.object({ name: z.string() })) } },
  },
  async handle({ store }, exchange) {
    return { status: 200, body: await store.artifacts.listBuckets(readQuery(exchange, page)) };
  },
};

const listArtifacts: Route = {
  method: "GET",
  path: "/v1/artifacts/{bucket}",
  right: "token",
  isWriting: false,
  operation: {
    id: "listArtifacts",
    summary: "List a bucket's artifacts, each as its newest version",
    query: listing,
    answers: {
      200: { says: "A page of artifacts", json: pageOf(artifact).extend({ prefixes: z.array(z.string()) }) },
    },
  },
  async handle({ store }, exchange, { bucket: name = "" }) {
    return { status: 200, body: await store.artifacts.list({ ...readQuery(exchange, listing), bucket: name }) };
  },
};

const getArtifact: Route = {
  method: "GET",
  path: "/v1/artifacts/{bucket}/{key}",
  right: "token",
  isWriting: false,
  operation: {
    id: "getArtifact",
    summary: "Get an artifact's info",
    query: one,
    answers: { 200: { says: "The artifact", json: artifact } },
  },
  async handle({ store }, exchange, { bucket: name = "", key: at = "" }) {
    const found = await store.artifacts.get(name, at, readQuery(exchange, one).version);
    return { status: 200, headers: { etag: etagOf(found) }, body: found };
  },
};

const deleteArtifact: Route = {
  method: "DELETE",
  path: "/v1/artifacts/{bucket}/{key}",
  right: "token",
  isWriting: true,
  operation: {
    id: "deleteArtifact",
    summary: "Delete an artifact, one version or all, and get its info back",
    query: deleted,
    headers: {
      "If-Match": "The ETag of the newest version: otherwise nothing is deleted",
      "If-Unmodified-Since": "Nothing is deleted if the newest version is younger than this",
    },
    answers: { 200: { says: "The artifact that was deleted", json: artifact } },
  },
  async handle(context, exchange, { bucket: name = "", key: at = "" }) {
    const guard = await readGuard(context, exchange, name, at);
    const { version: number } = readQuery(exchange, deleted);
    try {
      const options = { version: number, if_version: guard?.if_version };
      return { status: 200, body: await context.store.artifacts.delete(name, at, options) };
    } catch (error) {
      throw await guardError(context, guard, error, { bucket: name, key: at });
    }
  },
};

export const artifactRoutes: readonly Route[] = [
  createSession,
  listBuckets,
  listArtifacts,
  getArtifact,
  deleteArtifact,
];
