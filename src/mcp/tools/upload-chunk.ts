import { z } from "zod";
import { chunkSha256, session, sessionId } from "../../api/schemas.js";
import { contentArgument, contentEncoding, decodeContent } from "../calls/content-argument.js";
import { normalizeSessionId, parseIfJson } from "../calls/normalize-arguments.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionProgress } from "../calls/tool-result.js";
import { DecodedContent } from "../fast-json/fast-json.js";

export function uploadChunk({ store, maxChunkBytes, hasUrls }: ToolContext): Tool {
  return defineTool({
    name: "upload_chunk",
    title: "Upload a chunk",
    description: `Appends a chunk to an upload session at offset, and answers the new offset: that of the next chunk. Stored bytes survive a crash of client or server.

offset counts bytes, not characters: never compute it, take it from the last answer. Sending the same chunk again is safe. offset_conflict says where to go on.

Write text as it is, about 10 to 30 KB a call; a chunk may end anywhere. A program can send 256 KB to 1 MB (at most ${maxChunkBytes} bytes)${hasUrls ? ", and files go to the session's url with curl -T FILE URL" : ""}.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    meta: alwaysLoad,
    input: z.strictObject({
      session_id: sessionId,
      offset: z.int().min(0).meta({ description: "Where the chunk begins, in bytes: the last answer's offset." }),
      data: contentArgument("The chunk."),
      encoding: contentEncoding,
      sha256: chunkSha256,
    }),
    output: session,
    async answer({ session_id, offset, data, encoding, sha256 }) {
      const bytes = decoded(data, encoding, () => store.uploads.noteRefusedChunk(session_id, offset));
      try {
        return sessionProgress(await store.uploads.append(session_id, offset, bytes, { sha256 }));
      } finally {
        if (data instanceof DecodedContent) data.release(); // append() never reads the bytes again
      }
    },
    onRefused(args) {
      const { session_id, offset } = (parseIfJson(args) ?? {}) as Record<string, unknown>;
      const given = typeof offset === "number" || typeof offset === "string" ? Number(offset) : 0;
      const at = Number.isSafeInteger(given) ? given : 0;
      if (typeof session_id === "string") store.uploads.noteRefusedChunk(normalizeSessionId(session_id), at);
    },
  });
}

/** @throws ArtifactError `invalid_argument`, after it has called `onRefused` */
function decoded(data: string | DecodedContent, encoding: "utf8" | "base64", onRefused: () => void): Uint8Array {
  try {
    return decodeContent("data", data, encoding);
  } catch (error) {
    onRefused();
    throw error;
  }
}
