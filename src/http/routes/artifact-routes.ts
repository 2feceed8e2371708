import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import { expiresIn, versionGuard } from "../../api/change-schemas.js";
import { description } from "../../api/description-schema.js";
import { expiresInOf } from "../../api/expires-in.js";
import { guardArgument } from "../../api/guard-arguments.js";
import {
  artifact,
  bucketSummary,
  contentSha256,
  cursor,
  delimiter,
  limit,
  metadata,
  mimeType,
  newBucket,
  newKey,
  pageOf,
  prefix,
  session,
  uploadSize,
  version,
} from "../../api/schemas.js";
import { withCommand } from "../../api/upload-command.js";
import { largestPageLimit } from "../../store/model/limits.js";
import { uploadLocation } from "../context.js";
import { etagOf } from "../message/etag.js";
import { idempotencyKey } from "../message/header-fields.js";
import type { Route } from "../route.js";
import { readQuery } from "./read-query.js";

const createBody = z.strictObject({
  bucket: newBucket,
  key: newKey,
  mime_type: mimeType,
  size: uploadSize,
  sha256: contentSha256,
  metadata,
  if_version: versionGuard,
  expires_in: expiresIn,
  from: z
    .union([z.literal("newest"), z.int().min(1)])
    .optional()
    .meta({
      description:
        "A version of the key, or newest: the upload begins with its content, at its size. Unless if_version is given, that version must still be the newest at the end.",
    }),
});
const bucketsQuery = z.strictObject({
  prefix: prefix.meta({ description: "Only buckets whose names begin with this." }),
  cursor,
  limit,
});
const listQuery = z.strictObject({ prefix, delimiter, cursor, limit });
const getQuery = z.strictObject({
  version,
  versions: z
    .int()
    .min(1)
    .max(largestPageLimit)
    .optional()
    .meta({ description: "Lists so many versions too, newest first." }),
});

const foundArtifact = artifact.extend({
  description: description.optional().meta({ description: "What the content is, once a request has described it." }),
  versions: z.array(artifact).optional(),
});

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
    const { if_version, expires_in, from, ...upload } = readArguments(
      createBody,
      await exchange.json(),
      "this request",
    );
    const { bucket, key } = upload;
    const created = await context.store.uploads.create({
      ...upload,
      from: from === undefined ? undefined : { bucket, key, version: from === "newest" ? undefined : from },
      ...guardArgument(if_version),
      expires_in: expiresInOf(expires_in),
      idempotency_key: idempotencyKey(exchange),
      saved_by: "http",
    });
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
    summary: "List buckets, each with the number, the bytes and the time of its artifacts",
    query: bucketsQuery,
    answers: { 200: { description: "A page of buckets", json: pageOf(bucketSummary) } },
  },
  async handle({ store }, exchange) {
    const { prefix = "", ...options } = readQuery(exchange, bucketsQuery);
    return { status: 200, body: await store.artifacts.listBuckets({ ...options, prefix }) };
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
    summary: "Get an artifact's info, and that of its last versions",
    query: getQuery,
    answers: { 200: { description: "The artifact", json: foundArtifact } },
  },
  async handle({ store }, exchange, { bucket: name = "", key: at = "" }) {
    const { version: number, versions } = readQuery(exchange, getQuery);
    const found = await store.artifacts.get(name, at, number);
    const known = await store.insight.known(found);
    const body = { ...found, ...(known && { description: known }) };
    const headers = { etag: etagOf(found) };
    if (versions === undefined) return { status: 200, headers, body };
    const { data } = await store.artifacts.listVersions(name, at, { limit: versions });
    return { status: 200, headers, body: { ...body, versions: data } };
  },
};

export const artifactRoutes: readonly Route[] = [createSession, listBuckets, listArtifacts, getArtifact];
