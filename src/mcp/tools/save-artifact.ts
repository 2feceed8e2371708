import { z } from "zod";
import { expiresInOf } from "../../api/expires-in.js";
import { guardArgument } from "../../api/guard-arguments.js";
import { artifact, metadata, mimeType, newBucket, newKey } from "../../api/schemas.js";
import { expiresIn, ifVersion } from "../calls/change-arguments.js";
import { contentArgument, contentEncoding, decodeContent } from "../calls/content-argument.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { published } from "../calls/tool-result.js";

export function saveArtifact({ store, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "save_artifact",
    title: "Save an artifact",
    description: `Saves content that you can write in one call (up to about 30 KB of text) under a bucket and key, where it outlives this conversation. For more, use create_upload_session.

A key that exists gets a new version; of its versions the last 100 stay readable. Saving the same content, type, metadata and expiry again makes none and answers already_saved, so a retry is safe.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    meta: alwaysLoad,
    input: z.strictObject({
      bucket: newBucket,
      key: newKey,
      content: contentArgument("The whole content."),
      encoding: contentEncoding,
      mime_type: mimeType,
      metadata,
      expires_in: expiresIn,
      if_version: ifVersion,
    }),
    output: artifact,
    async answer({ content, encoding, expires_in, if_version, ...rest }) {
      const bytes = decodeContent("content", content, encoding);
      const defaultMimeType = encoding === "utf8" ? "text/plain" : "application/octet-stream";
      const limits = { ...guardArgument(if_version), expires_in: expiresInOf(expires_in) };
      const save = { ...rest, ...limits, bytes, defaultMimeType, saved_by: savedBy() };
      return published(await store.artifacts.save(save), rest);
    },
  });
}
