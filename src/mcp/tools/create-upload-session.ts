import { z } from "zod";
import { bucket, ifVersion, key, metadata, mimeType, promisedSha256, session } from "../fields.js";
import { success } from "../result.js";
import { defineTool, type Tool, type ToolContext } from "../tool.js";

export function createUploadSession({ store }: ToolContext): Tool {
  return defineTool({
    name: "create_upload_session",
    title: "Create an upload session",
    description: `Begins an upload in chunks and answers the session: its id, and offset 0. Use it for content that is too large for one call, or that you produce piece by piece. Send the pieces with upload_chunk.

With size (total bytes, not characters) the artifact is published by itself when the last byte has arrived. Leave size out when you write the text yourself or do not know it exactly, and end with complete_upload_session.

The session outlives this process: after a break, get_upload_session (or list_upload_sessions, where the id was lost) says the offset to go on from. For content you can write in one call, save_artifact is simpler.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    input: z.strictObject({
      bucket,
      key,
      mime_type: mimeType,
      size: z.int().min(0).optional().meta({ description: "Total size in bytes. Leave it out if unknown." }),
      sha256: promisedSha256,
      metadata,
      if_version: ifVersion,
    }),
    output: session,
    answer: async (upload) => success(await store.uploads.create(upload)),
  });
}
