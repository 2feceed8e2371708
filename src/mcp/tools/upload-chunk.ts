import { z } from "zod";
import { session, sessionId } from "../../api/fields.js";
import { sha256Pattern } from "../../store/model/artifact.js";
import { objectOf } from "../calls/host-arguments.js";
import { success } from "../calls/result.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { contentArgument, DecodedContent, decodeContent } from "../fast-json/content.js";

export function uploadChunk({ store, maxChunkBytes, hasUrls }: ToolContext): Tool {
  return defineTool({
    name: "upload_chunk",
    title: "Upload a chunk",
    description: `Appends a chunk to an upload session at offset and answers the session with its new offset: use that as the offset of the next chunk. When the answer comes, the bytes are on disk for good. Once all bytes of a sized session are there, the answer has status complete and the artifact.

offset counts bytes of content, never characters: do not compute it, take it from the last answer. Sending the same chunk at the same offset again is safe. offset_conflict tells the offset to go on from.

Write text as it is (encoding utf8), in chunks of what you write comfortably, about 10 to 30 KB; a chunk may end anywhere. A program can send 256 KB to 1 MB a call (at most ${maxChunkBytes} bytes). base64 costs a model about one token a byte: use it for small binaries only${hasUrls ? ", and send files with curl -T FILE URL to the session's url" : ""}.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    meta: alwaysLoad,
    input: z.strictObject({
      session_id: sessionId,
      offset: z.int().min(0).meta({ description: "Where the chunk begins, in bytes: the offset of the last answer." }),
      data: contentArgument("The chunk.", maxChunkBytes),
      encoding: z
        .enum(["utf8", "base64"])
        .default("utf8")
        .meta({ description: "How data is written: utf8 for text as it is, base64 for bytes." }),
      sha256: z.string().optional().meta({
        description: "SHA-256 of this chunk's bytes, 64 lower-case hex digits: checked before anything is kept.",
        pattern: sha256Pattern.source,
      }),
    }),
    output: session,
    async answer({ session_id, offset, data, encoding, sha256 }) {
      const bytes = decoded(session_id, data, encoding);
      try {
        return success(await store.uploads.append(session_id, offset, bytes, { sha256 }));
      } finally {
        if (data instanceof DecodedContent) data.release(); // append() never reads the bytes again
      }
    },
    onRefused(args) {
      const { session_id } = (objectOf(args) ?? {}) as Record<string, unknown>;
      if (typeof session_id === "string") store.uploads.noteRefusedChunk(session_id);
    },
  });

  /** @throws ArtifactError `invalid_argument` */
  function decoded(session: string, data: string | DecodedContent, encoding: "utf8" | "base64"): Uint8Array {
    try {
      return decodeContent("data", data, encoding);
    } catch (error) {
      store.uploads.noteRefusedChunk(session);
      throw error;
    }
  }
}
