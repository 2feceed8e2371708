import { z } from "zod";
import {
  contentSha256,
  expiresIn,
  ifVersion,
  metadata,
  mimeType,
  newBucket,
  newKey,
  session,
  uploadSize,
} from "../../api/schemas.js";
import { expiresInOf, guardOf } from "../../api/write-arguments.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionSuccess } from "../calls/tool-result.js";

const shellUpload = `
A file that a shell can reach is never typed: create a session and run the answer's command there (curl -T FILE URL). It needs no token, and takes up an interrupted upload again.
`;

export function createUploadSession({ store, hasUrls, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "create_upload_session",
    title: "Create an upload session",
    description: `Begins an upload of content that is too large for one call, or is made piece by piece. Send the pieces with upload_chunk: the id in the answer is their session_id.
${hasUrls ? shellUpload : ""}
Leave size out unless you know it to the byte, and end with complete_upload_session. With size, the last byte publishes the artifact.

A session outlives this process, for 7 days after its last chunk: after a break go on with get_upload_session, or list_upload_sessions if the id is lost, and do not begin again.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    meta: alwaysLoad,
    input: z.strictObject({
      bucket: newBucket,
      key: newKey,
      size: uploadSize,
      sha256: contentSha256,
      mime_type: mimeType,
      metadata,
      expires_in: expiresIn,
      if_version: ifVersion,
    }),
    output: session,
    async answer(args) {
      const { if_version, expires_in, ...rest } = args;
      const limits = { ...guardOf(if_version), expires_in: expiresInOf(expires_in) };
      const session = await store.uploads.create({ ...rest, ...limits, saved_by: savedBy() });
      return sessionSuccess(session, args);
    },
  });
}
