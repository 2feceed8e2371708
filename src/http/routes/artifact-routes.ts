import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import { deleteOrNotFound } from "../../api/delete-or-not-found.js";
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
} from "../../api/schemas.js";
import { withCommand } from "../../api/upload-command.js";
import { uploadLocation } from "../context.js";
import { etagOf } from "../message/etag.js";
import { idempotencyKey } from "../message/header-fields.js";
import type { Route } from "../route.js";
import { preconditionError, readPrecondition } from "./preconditions.js";
import { readQuery } from "./read-query.js";

const createBody = z.strictObject({
  bucket,
  key,
  mime_type: mimeType,
  size: uploadSize,
  sha256: promisedSha256,
  metadata,
  if_version: ifVersion,
});
const bucketsQuery = z.strictObject({ cursor, limit });
const listQuery = z.strictObject({ prefix, delimiter, cursor, limit });
const getQuery = z.strictObject({ version });
const deleteQuery = z.strictObject({ version: deletedVersion });

const createSession: Route = {
  method: "POST",
  path: "/v1/artifacts",
  right: "token",
  isWriting: true,
  operation: {
    id: "createUploadSession",
    summary: "Create an upload session",
    description:
      "The url in the answer takes the content without a token. The command in the answer sends a file to it from a shell.",
    headers: { "Idempotency-Key": "Up to 255 characters. The same request sent again answers with the same session." },
    json: createBody,
    answers: { 201: { description: "The session", json: session } },
  },
  async handle(context, exchange) {
    const upload = readArguments(createBody, await exchange.json(), "this request");
    const request = { idempotency_key: idempotencyKey(exchange), saved_by: "http" };
    const created = await context.store.uploads.create({ ...upload, ...request });
    return { status: 201, headers: { location: uploadLocation(context, created) }, body: withCommand(created) };
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
    query: bucketsQuery,
    answers: { 200: { description: "A page of buckets", json: pageOf(z.object({ name: z.string() })) } },
  },
  async handle({ store }, exchange) {
    return { status: 200, body: await store.artifacts.listBuckets(readQuery(exchange, bucketsQuery)) };
  },
};

const listArtifacts: Route = {
  method: "GET",
  path: "/v1/artifacts/{bucket}",
  right: "token",
  isWriting: false,
  operation: {
    id: "listArtifacts",
    summary: "List the artifacts of a bucket, each with its newest version",
    query: listQuery,
    answers: {
      200: { description: "A page of artifacts", json: pageOf(artifact).extend({ prefixes: z.array(z.string()) }) },
    },
  },
  async handle({ store }, exchange, { bucket: name = "" }) {
    return { status: 200, body: await store.artifacts.list({ ...readQuery(exchange, listQuery), bucket: name }) };
  },
};

const getArtifact: Route = {
  method: "GET",
  path: "/v1/artifacts/{bucket}/{key}",
  right: "token",
  isWriting: false,
  operation: {
    id: "getArtifact",
    summary: "Get the description of an artifact",
    query: getQuery,
    answers: { 200: { description: "The artifact", json: artifact } },
  },
  async handle({ store }, exchange, { bucket: name = "", key: at = "" }) {
    const found = await store.artifacts.get(name, at, readQuery(exchange, getQuery).version);
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
    summary: "Delete one version of an artifact, or all of them",
    query: deleteQuery,
    headers: {
      "If-Match": "The ETag of the newest version: otherwise nothing is deleted",
      "If-Unmodified-Since": "Nothing is deleted if the newest version is later than this",
    },
    answers: { 200: { description: "The description of the deleted artifact", json: artifact } },
  },
  async handle(context, exchange, { bucket: name = "", key: at = "" }) {
    const precondition = await readPrecondition(context, exchange, name, at);
    const { version: number } = readQuery(exchange, deleteQuery);
    try {
      const { if_version, if_edit } = precondition ?? {};
      const options = { version: number, if_version, if_edit };
      return { status: 200, body: await deleteOrNotFound(context.store, name, at, options) };
    } catch (error) {
      throw await preconditionError(context, precondition, error, { bucket: name, key: at });
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
