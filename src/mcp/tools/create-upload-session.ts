import { z } from "zod";
import { bucket, ifVersion, key, metadata, mimeType, promisedSha256, session, uploadSize } from "../../api/schemas.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionSuccess } from "../calls/tool-result.js";

const shellUpload = `
A file that a shell can reach is never typed: create a session for it and run the answer's command (curl -T FILE URL with its url). The URL needs no token, works until the session expires, and takes up an interrupted upload again.
`;

export function createUploadSession({ store, hasUrls, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "create_upload_session",
    title: "Create an upload session",
    description: `Begins an upload of content that is too large for one call, or made piece by piece, and answers its session: send the pieces with upload_chunk.
${hasUrls ? shellUpload : ""}
With size (total bytes, not characters) the artifact is published by itself when the last byte has arrived. Leave size out when you write the text yourself or do not know it exactly, and end with complete_upload_session.

The session outlives this process: after a break, get_upload_session (or list_upload_sessions, where the id was lost) says the offset to go on from. For content you can write in one call, save_artifact is simpler.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    meta: alwaysLoad,
    input: z.strictObject({
      bucket,
      key,
      mime_type: mimeType,
      size: uploadSize,
      sha256: promisedSha256,
      metadata,
      if_version: ifVersion,
    }),
    output: session,
    answer: async (upload) => sessionSuccess(await store.uploads.create({ ...upload, saved_by: savedBy() })),
  });
}
