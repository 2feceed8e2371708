import { z } from "zod";
import { expiresInOf } from "../../api/expires-in.js";
import { guardArgument } from "../../api/guard-arguments.js";
import { contentSha256, metadata, mimeType, newBucket, newKey, session, uploadSize } from "../../api/schemas.js";
import { ArtifactError } from "../../store/model/errors.js";
import { expiresIn, fromVersion, ifVersion, sourceOf } from "../calls/change-arguments.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { createdSuccess } from "../calls/tool-result.js";

const shellUpload = `
A file that a shell can reach is never typed: create a session and run the answer's command there (curl -T FILE URL). It needs no token, and takes up an interrupted upload again.
`;

export function createUploadSession({ store, hasUrls, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "create_upload_session",
    title: "Create an upload session",
    description: `Begins an upload of content that is too large for one call, or is made piece by piece. Send the pieces with upload_chunk: the id in the answer is their session_id.
${hasUrls ? shellUpload : ""}
Leave size out unless you know it to the byte, and end with complete_upload_session; with size, the last byte publishes. from begins with a version's content, to append to it.

A session outlives this process, for 7 days after its last chunk. If the answer names an unfinished upload of the key that is yours, go on with that.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    meta: alwaysLoad,
    input: z.strictObject({
      bucket: newBucket,
      key: newKey,
      from: fromVersion,
      size: uploadSize,
      sha256: contentSha256,
      mime_type: mimeType,
      metadata,
      expires_in: expiresIn,
      if_version: ifVersion,
    }),
    output: session,
    async answer(args) {
      const { if_version, expires_in, from, ...rest } = args;
      const limits = { ...guardArgument(if_version), expires_in: expiresInOf(expires_in) };
      const upload = { ...rest, ...limits, from: sourceOf(rest, from), saved_by: savedBy() };
      const created = await store.uploads.create(upload).catch((error) => {
        throw from === "newest" ? withoutSource(error) : error;
      });
      return createdSuccess(created, args);
    },
  });
}

/** The error for an upload that would begin with an artifact that does not exist says how to begin with nothing. */
function withoutSource(error: unknown): unknown {
  if (!(error instanceof ArtifactError) || error.code !== "artifact_not_found") return error;
  const message = `${error.message} If the key is right and new, leave from out.`;
  return new ArtifactError(error.code, message, { next: error.next, details: error.details, cause: error });
}
