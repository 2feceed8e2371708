import { z } from "zod";
import { artifact, bucket, ifVersion, key, metadata, mimeType } from "../../api/schemas.js";
import { contentArgument, decodeContent } from "../calls/content-argument.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { success } from "../calls/tool-result.js";

export function saveArtifact({ store, maxChunkBytes, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "save_artifact",
    title: "Save an artifact",
    description: `Saves content that you can write in one go (up to about 30 KB of text) under a bucket and key, for good, and answers the artifact. For more, use create_upload_session and upload_chunk.

Saving to a key that exists makes a new version, older ones stay readable. Saving exactly what is there already makes none and answers already_saved, so a retry is safe. Give if_version to be sure that nobody changed the key since you looked.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    input: z.strictObject({
      bucket,
      key,
      content: contentArgument("The whole content.", maxChunkBytes),
      encoding: z.enum(["utf8", "base64"]).default("utf8").meta({
        description: "How content is written: utf8 for text as it is, base64 only for small binaries.",
      }),
      mime_type: mimeType,
      metadata,
      if_version: ifVersion,
    }),
    output: artifact,
    async answer({ content, encoding, ...rest }) {
      const bytes = decodeContent("content", content, encoding);
      const defaultMimeType = encoding === "utf8" ? "text/plain" : "application/octet-stream";
      return success(await store.artifacts.save({ ...rest, bytes, defaultMimeType, saved_by: savedBy() }));
    },
  });
}
