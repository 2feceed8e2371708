import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { bucket, key, version } from "../../api/schemas.js";
import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { Insight, VersionAt } from "../../store/insight/insight.js";
import type { Artifact } from "../../store/model/artifact.js";
import type { Store } from "../../store/store.js";
import { withKeyHints } from "../calls/key-hints.js";
import { alwaysLoad, defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { defaultPageChars as chars, maxPageBytes, readPage } from "../content/content-page.js";
import { foundAnswer } from "../content/found-answer.js";
import { linesAnswer } from "../content/lines-answer.js";
import { mediaAnswer } from "../content/media-answer.js";
import { mediaKindOf } from "../content/media-format.js";
import { pageAnswer } from "../content/page-answer.js";
import { type PartRequest, type ReadRequest, readRequestOf } from "../content/read-request.js";
import { rowsAnswer } from "../content/rows-answer.js";
import { binaryAnswer } from "../descriptions/binary-answer.js";

/** The longest answer, in characters, that Claude Code shows to the model. It puts a longer one into a file. */
const longResults = { "anthropic/maxResultSizeChars": 500_000 };

/** Lines of context that a search shows at most. */
const maxContext = 20;

export function readArtifact({ store }: ToolContext): Tool {
  return defineTool({
    name: "read_artifact",
    title: "Read an artifact's content",
    description: `Reads content in pages of up to 8,000 characters: by offset, by line, lines that have find, or rows of a table. The next call comes first, then the page.

What is no text is described; encoding base64 reads it. An image or recording of up to 100 KB, or length, is shown. describe_artifact tells what content is.`,
    annotations: reading,
    meta: { ...alwaysLoad, ...longResults },
    input: z.strictObject({
      bucket,
      key,
      version,
      offset: z.int().min(0).optional().meta({ description: "Where the page begins, in bytes." }),
      length: z.int().min(1).max(maxPageBytes).optional().meta({ description: "Bytes of the page." }),
      encoding: z.enum(["auto", "utf8", "base64"]).default("auto").meta({
        description: "auto: text as text.",
      }),
      line: z.int().optional().meta({ description: "First line, from 1; -1 is the last." }),
      lines: z.int().optional().meta({ description: "Lines or matches; -20: the last 20." }),
      find: z.string().optional().meta({ description: "Shows lines with this text." }),
      regex: z.boolean().default(false).meta({ description: "find is a JavaScript regexp." }),
      context: z.int().min(0).max(maxContext).default(0).meta({ description: "Lines around each match." }),
      columns: z.array(z.string()).min(1).optional().meta({ description: "Names of columns of a table." }),
      row: z.int().optional().meta({ description: "First row, as line." }),
      rows: z.int().optional().meta({ description: "How many rows, as lines." }),
    }),
    async answer({ bucket, key, version, ...part }, { signal }) {
      const at = { bucket, key, version };
      return withKeyHints(store.artifacts, at, () => answerTo(store, at, readRequestOf(part), signal));
    },
  });
}

async function answerTo(
  { artifacts, insight }: Store,
  at: VersionAt,
  { mode, asked }: ReadRequest,
  signal: AbortSignal,
): Promise<CallToolResult> {
  switch (mode) {
    case "lines":
      return linesAnswer(await insight.lines(at, { ...asked, chars }, signal), asked);
    case "find":
      return foundAnswer(await insight.find(at, { ...asked, chars }, signal), asked);
    case "rows":
      return rowsAnswer(await insight.rows(at, { ...asked, chars }, signal), asked);
    case "page": {
      const open = await artifacts.open(at.bucket, at.key, at.version);
      try {
        return await partAnswer(open, insight, asked, signal);
      } finally {
        await open.close();
      }
    }
  }
}

async function partAnswer(
  open: OpenArtifact,
  insight: Insight,
  asked: PartRequest,
  signal: AbortSignal,
): Promise<CallToolResult> {
  const { artifact } = open;
  const medium = isWholeMedium(artifact, asked) ? await mediaAnswer(open, asked.length) : undefined;
  if (medium !== undefined) return medium;
  const page = await readPage(open, asked);
  const isShown = page.encoding !== "base64" || asked.encoding === "base64" || asked.isPart || artifact.bytes === 0;
  return isShown ? pageAnswer(artifact, page, asked) : binaryAnswer(insight, artifact, page.notUtf8, signal);
}

/** Whether the call asks for a whole image or recording, to be shown as one and not as text or base64. */
function isWholeMedium({ mime_type, bytes }: Artifact, { offset, length = bytes, encoding }: PartRequest): boolean {
  const isWhole = bytes > 0 && offset === 0 && length >= bytes && encoding === "auto";
  return isWhole && mediaKindOf(mime_type) !== undefined;
}
