import { z } from "zod";
import { session, sessionId } from "../../shapes/fields.js";
import { sha256Pattern } from "../../store/model/artifact.js";
import { contentArgument, DecodedContent, decodeContent } from "../content.js";
import { objectOf } from "../host-arguments.js";
import { success } from "../result.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../tool.js";

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
      const bytes = decoded(data, encoding, () => store.uploads.skipChunk(session_id, offset));
      const onDone = (): void => void (data instanceof DecodedContent && data.release());
      return success(await store.uploads.append(session_id, offset, bytes, { sha256, onDone }));
    },
    onRefused(args) {
      const { session_id, offset } = (objectOf(args) ?? {}) as Record<string, unknown>;
      const at = typeof offset === "number" || typeof offset === "string" ? Number(offset) : 0;
      if (typeof session_id === "string") store.uploads.skipChunk(session_id, Number.isSafeInteger(at) ? at : 0);
    },
  });
}

/** @throws ArtifactError `invalid_argument`, once `onRefused` was called */
function decoded(data: string | DecodedContent, encoding: "utf8" | "base64", onRefused: () => void): Uint8Array {
  try {
    return decodeContent("data", data, encoding);
  } catch (error) {
    onRefused();
    throw error;
  }
}
