import { z } from "zod";
import { readArguments } from "../../api/arguments.js";
import { merge, newExpiresIn, versionGuard } from "../../api/change-schemas.js";
import { deleteOrNotFound } from "../../api/delete-or-not-found.js";
import { guardArgument, sourceGuardArgument } from "../../api/guard-arguments.js";
import {
  artifact,
  bucket,
  deletedVersion,
  key,
  metadata,
  newBucket,
  newKey,
  prefix,
  version,
} from "../../api/schemas.js";
import { parseNewExpiresIn } from "../../store/model/expiry.js";
import { encodeKey, encodeSegment } from "../../store/model/names/artifact-uri.js";
import { etagOf } from "../message/etag.js";
import { HttpError } from "../message/http-error.js";
import type { Route } from "../route.js";
import { preconditionError, readPrecondition } from "./preconditions.js";
import { readQuery } from "./read-query.js";

const updateBody = z.strictObject({ metadata, merge, expires_in: newExpiresIn });
const copyBody = z.strictObject({
  bucket,
  key,
  version,
  to_bucket: newBucket.optional().meta({ description: "The same bucket where left out." }),
  to_key: newKey.optional().meta({ description: "The same key where left out." }),
  move: z.boolean().optional().meta({ description: "The source is gone afterwards." }),
  all_versions: z
    .boolean()
    .optional()
    .meta({ description: "For a move: false deletes the older versions. Otherwise they come along." }),
  if_version: versionGuard.meta({ description: "Guard of the target. A move onto a key that exists needs it." }),
  from_if_version: versionGuard.meta({ description: "Guard of the source." }),
});
const deleteQuery = z.strictObject({ version: deletedVersion });
const deleteUnderQuery = z.strictObject({
  prefix: prefix.meta({ description: "The beginning of the keys, like reports/2026/. Empty: the whole bucket." }),
  confirm: z
    .string()
    .optional()
    .meta({ description: "From the answer of the same request without it. Deletes what matched then." }),
});

const count = z.int().min(0);
const matched = z.strictObject({
  artifacts: count,
  bytes: count.meta({ description: "Bytes of all their versions." }),
  confirm: z.string().optional().meta({ description: "Deletes them, as the parameter confirm. Absent for none." }),
  first_keys: z.array(z.string()).optional().meta({ description: "The first of them, 3 at most." }),
  last_keys: z.array(z.string()).optional().meta({ description: "The last of the others, 3 at most." }),
});
const deleted = z.strictObject({
  deleted: count.meta({ description: "Artifacts that were deleted, with all their versions." }),
  bytes: count,
  kept: count.meta({ description: "Artifacts under the prefix that were saved since they were counted." }),
});

const updateArtifact: Route = {
  method: "PATCH",
  path: "/v1/artifacts/{bucket}/{key}",
  right: "token",
  isWriting: true,
  operation: {
    id: "updateArtifact",
    summary: "Change metadata, expiry or both of the newest version in place",
    headers: {
      "If-Match": "The ETag of the newest version: otherwise nothing is changed",
      "If-Unmodified-Since": "Nothing is changed if the newest version is later than this",
    },
    json: updateBody,
    answers: {
      200: { description: "The artifact. Its ETag is another one if something was changed.", json: artifact },
    },
  },
  async handle(context, exchange, { bucket: name = "", key: at = "" }) {
    const { metadata, merge, expires_in } = readArguments(updateBody, await exchange.json(), "this request");
    const expiry = expires_in === undefined ? undefined : parseNewExpiresIn(expires_in);
    const place = { bucket: name, key: at };
    const precondition = await readPrecondition(context, exchange, name, at);
    try {
      const wanted = { ...place, metadata, merge, expires_in: expiry, ...precondition, by: "http" };
      const updated = await context.store.artifacts.update(wanted);
      return { status: 200, headers: { etag: etagOf(updated) }, body: updated };
    } catch (error) {
      throw await preconditionError(context, precondition, error, place);
    }
  },
};

const copyArtifact: Route = {
  method: "POST",
  path: "/v1/copies",
  right: "token",
  isWriting: true,
  operation: {
    id: "copyArtifact",
    summary: "Copy an artifact to another key, or move it there",
    description:
      "The content does not pass the client. Metadata are kept; a copy does not expire. A move takes all versions along.",
    json: copyBody,
    answers: {
      200: { description: "The newest version of the target, which is the same already", json: artifact },
      201: {
        description: "The version that was made. Location is its description.",
        json: artifact.extend({ moved_versions: count.optional() }),
      },
    },
  },
  async handle({ store, publicUrl = "", stopping }, exchange) {
    const { if_version, from_if_version, ...wanted } = readArguments(copyBody, await exchange.json(), "this request");
    const guards = { ...guardArgument(if_version), ...sourceGuardArgument(from_if_version) };
    const copied = await store.artifacts.copy({ ...wanted, ...guards, saved_by: "http" }, { signal: stopping });
    const location = `${publicUrl}/v1/artifacts/${encodeSegment(copied.bucket)}/${encodeKey(copied.key)}`;
    const status = copied.already_saved ? 200 : 201;
    return { status, headers: { etag: etagOf(copied), location }, body: copied };
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
      const options = { version: number, if_version, if_edit, by: "http" };
      return { status: 200, body: await deleteOrNotFound(context.store, name, at, options) };
    } catch (error) {
      throw await preconditionError(context, precondition, error, { bucket: name, key: at });
    }
  },
};

const deleteUnder: Route = {
  method: "DELETE",
  path: "/v1/artifacts/{bucket}",
  right: "token",
  isWriting: true,
  operation: {
    id: "deleteArtifactsUnder",
    summary: "Delete the artifacts whose keys begin with a prefix, in two requests",
    description:
      "Without confirm, nothing is deleted: the answer says how many artifacts match, and has a value for confirm. With it, those are deleted that matched then, except those that were saved since.",
    query: deleteUnderQuery,
    answers: { 200: { description: "What matches; with confirm, what was deleted", json: matched.or(deleted) } },
  },
  async handle({ store, stopping }, exchange, { bucket: name = "" }) {
    const { prefix, confirm } = readQuery(exchange, deleteUnderQuery);
    if (prefix === undefined) throw prefixMissing(name);
    const wanted = { bucket: name, prefix, confirm };
    return { status: 200, body: await store.artifacts.deleteUnder(wanted, { by: "http", signal: stopping }) };
  },
};

function prefixMissing(bucket: string): HttpError {
  const path = `DELETE /v1/artifacts/${bucket}`;
  return new HttpError(
    "invalid_argument",
    `The parameter prefix is missing: ${path}?prefix=reports/ deletes the artifacts whose keys begin with reports/, and an empty prefix those of the whole bucket. ${path}/{key} deletes one artifact.`,
  );
}

/** Routes that change artifacts without their content. */
export const changeRoutes: readonly Route[] = [updateArtifact, copyArtifact, deleteArtifact, deleteUnder];
