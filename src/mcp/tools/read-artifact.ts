import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { bucket, key, version } from "../../api/schemas.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import { type ContentPage, maxPageBytes, readPage } from "../calls/content-page.js";
import { withKeyHints } from "../calls/key-hints.js";
import { mediaAnswer } from "../calls/media-answer.js";
import { mediaKindOf } from "../calls/media-format.js";
import { alwaysLoad, defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { describeUntyped } from "../calls/untyped-content.js";

/** The longest answer, in characters, that Claude Code shows to the model. It puts a longer one into a file. */
const longResults = { "anthropic/maxResultSizeChars": 500_000 };

export function readArtifact({ store }: ToolContext): Tool {
  return defineTool({
    name: "read_artifact",
    title: "Read an artifact's content",
    description: `Reads content a page at a time, at most 8,000 characters unless length asks for more. Where the page stands and the call for the next one come first, then the page.

What is no text comes as base64. A whole image or recording of up to 100 KB, or up to length, is shown as such. Read only what you need: get_artifact tells the size.`,
    annotations: reading,
    meta: { ...alwaysLoad, ...longResults },
    input: z.strictObject({
      bucket,
      key,
      version,
      offset: z.int().min(0).optional().meta({ description: "Where the page begins, in bytes." }),
      length: z.int().min(1).max(maxPageBytes).optional().meta({ description: "Bytes of the page." }),
      encoding: z.enum(["auto", "utf8", "base64"]).default("auto").meta({
        description: "auto: UTF-8 text as text, else base64.",
      }),
    }),
    async answer({ bucket, key, version, offset = 0, length, encoding }) {
      const open = await withKeyHints(store.artifacts, { bucket, key }, () =>
        store.artifacts.open(bucket, key, version),
      );
      try {
        if (isWholeMedium(open.artifact, { offset, length, encoding })) return await mediaAnswer(open, length);
        const untyped = encoding === "auto" ? await describeUntyped(open) : undefined;
        if (untyped !== undefined) return untyped;
        const page = await readPage(open, { offset, length, encoding });
        return pageResult(open.artifact, page, { offset, length, encoding });
      } finally {
        await open.close();
      }
    },
  });
}

/** The arguments that say which page was asked for. */
interface Asked {
  readonly offset: number;
  readonly length: number | undefined;
  readonly encoding: string;
}

/** Whether the call asks for a whole image or recording, to be shown as one and not as text or base64. */
function isWholeMedium({ mime_type, bytes }: Artifact, { offset, length = bytes, encoding }: Asked): boolean {
  const isWhole = bytes > 0 && offset === 0 && length >= bytes && encoding === "auto";
  return isWhole && mediaKindOf(mime_type) !== undefined;
}

function pageResult(artifact: Artifact, page: ContentPage, asked: Asked): CallToolResult {
  const { bytes } = artifact;
  const { text, start, end } = page;
  return {
    content: [
      { type: "text", text: describePage(artifact, page, asked) },
      { type: "text", text },
    ],
    _meta: { offset: start, length: end - start, ...(end < bytes ? { next_offset: end } : {}), bytes },
  };
}

/** What the page holds. The call for the next page comes last, and is the only call in the text. */
function describePage(artifact: Artifact, page: ContentPage, asked: Asked): string {
  const { bytes, mime_type, version } = artifact;
  const { encoding, start, end, isText, notUtf8 = "" } = page;
  const parts = [
    `${count(end - start, "byte")} from offset ${start} as ${encoding}, of ${bytes} (${mime_type}, version ${version}).`,
    start === asked.offset ? "" : `Offset ${asked.offset} is inside a character: the page begins at ${start}.`,
    isText ? "These bytes are UTF-8 text: encoding utf8 shows it as such." : "",
    notUtf8,
    end < bytes ? `Next page: ${callAt(artifact, end, asked)}` : "This is the end.",
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function callAt({ bucket, key, version }: Artifact, offset: number, asked: Asked): string {
  const encoding = asked.encoding === "auto" ? {} : { encoding: asked.encoding };
  const length = asked.length === undefined ? {} : { length: asked.length };
  return `read_artifact ${JSON.stringify({ bucket, key, version, offset, ...length, ...encoding })}`;
}
