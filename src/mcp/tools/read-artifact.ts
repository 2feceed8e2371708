import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { bucket, key, version } from "../../shapes/fields.js";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Artifact } from "../../store/model/artifact.js";
import { type ContentPage, largestPageBytes, readPage } from "../content-page.js";
import { defineTool, reading, type Tool, type ToolContext } from "../tool.js";

/** An image up to this size is shown whole, as an image. */
const largestImageBytes = 512 * 1024;
const imageTypes: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export function readArtifact({ store }: ToolContext): Tool {
  return defineTool({
    name: "read_artifact",
    title: "Read an artifact's content",
    description: `Reads content a page at a time: the page alone in the first text block, and in the second a line saying where it stands and the call for the next page. A page is at most 8,000 characters unless length asks for more. Text is cut between characters; what is no text comes as base64, a small image as an image.

Do not read a large artifact whole without need: the tokens are yours. get_artifact tells its size.`,
    annotations: reading,
    input: z.strictObject({
      bucket,
      key,
      version,
      offset: z.int().min(0).optional().meta({ description: "Where the page begins, in bytes; 0 where left out." }),
      length: z
        .int()
        .min(1)
        .max(largestPageBytes)
        .optional()
        .meta({ description: `Bytes of the page, 1 to ${largestPageBytes}.` }),
      encoding: z.enum(["auto", "utf8", "base64"]).default("auto").meta({
        description: "auto: text where the type is text and the bytes are UTF-8, else base64.",
      }),
    }),
    async answer({ bucket, key, version, offset, length, encoding }) {
      const open = await store.artifacts.open(bucket, key, version);
      try {
        const isWhole = offset === undefined && length === undefined && encoding === "auto";
        if (isWhole && isSmallImage(open.artifact)) return await imageResult(open);
        const page = await readPage(open, { offset: offset ?? 0, length, encoding });
        return pageResult(open.artifact, page, { length, encoding });
      } finally {
        await open.close();
      }
    },
  });
}

function isSmallImage({ mime_type, bytes }: Artifact): boolean {
  return imageTypes.includes(mime_type) && bytes > 0 && bytes <= largestImageBytes;
}

async function imageResult({ artifact, read }: OpenArtifact): Promise<CallToolResult> {
  const { bytes, version, mime_type } = artifact;
  const data = Buffer.from(await read(0, bytes)).toString("base64");
  const line = `The whole image: ${bytes} bytes of ${mime_type}, version ${version}.`;
  return {
    content: [
      { type: "image", data, mimeType: mime_type },
      { type: "text", text: line },
    ],
    _meta: { offset: 0, length: bytes, bytes },
  };
}

function pageResult(
  { bucket, key, version, bytes, mime_type }: Artifact,
  { encoding: written, text, start, end }: ContentPage,
  asked: { length: number | undefined; encoding: string },
): CallToolResult {
  const encoding = asked.encoding === "auto" ? {} : { encoding: asked.encoding };
  const length = asked.length === undefined ? {} : { length: asked.length };
  const next = JSON.stringify({ bucket, key, version, offset: end, ...length, ...encoding });
  const where = `${end - start} bytes from offset ${start} as ${written}, of ${bytes} (${mime_type}, version ${version}).`;
  const line = end < bytes ? `${where} Next page: read_artifact ${next}` : `${where} This is the end.`;
  return {
    content: [
      { type: "text", text },
      { type: "text", text: line },
    ],
    _meta: { offset: start, length: end - start, ...(end < bytes ? { next_offset: end } : {}), bytes },
  };
}
