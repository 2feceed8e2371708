import { z } from "zod";
import { emptySearchHints } from "../../api/hints/empty-search-hints.js";
import { withNearest } from "../../api/hints/nearest-error.js";
import { parseTime } from "../../api/parse-time.js";
import { artifact, bucket, cursor, largestLimit, pageOf, prefix } from "../../api/schemas.js";
import { SEARCH_ORDERS } from "../../store/ports/artifact-index.js";
import { createdAfter, createdBefore } from "../calls/change-arguments.js";
import { artifactLine } from "../calls/list-lines.js";
import { alwaysLoad, defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

const defaultLimit = 20;

export function searchArtifacts({ store }: ToolContext): Tool {
  return defineTool({
    name: "search_artifacts",
    title: "Search artifacts",
    description: `Finds artifacts in all buckets by words, type, metadata, time or size, and lists the newest 20. Use it to find what was saved before.

Each word of query must be a part of the bucket, the key or the metadata; case is ignored, and content is not searched. All conditions must hold for the newest version. A page may be short and yet have a next one.`,
    annotations: reading,
    meta: alwaysLoad,
    input: z.strictObject({
      query: z.string().optional().meta({ description: "Words, like: eval march csv." }),
      bucket: bucket.optional(),
      prefix: prefix.meta({ description: "The beginning of the key." }),
      mime_type: z.string().optional().meta({ description: "Like text/csv or text/*." }),
      metadata: z.record(z.string(), z.string()).optional().meta({ description: 'Exact pairs, like {"run": "42"}.' }),
      created_after: createdAfter,
      created_before: createdBefore,
      min_bytes: z.int().min(0).optional().meta({ description: "Least size." }),
      max_bytes: z.int().min(0).optional().meta({ description: "Greatest size." }),
      order: z.enum(SEARCH_ORDERS).default("newest").meta({ description: "What comes first." }),
      cursor,
      limit: largestLimit.default(defaultLimit).meta({ description: "Entries on a page." }),
    }),
    output: pageOf(artifact),
    async answer(args) {
      const { created_after: after, created_before: before } = args;
      const { cursor, limit, ...wanted } = {
        ...args,
        created_after: after === undefined ? undefined : parseTime(after, "created_after"),
        created_before: before === undefined ? undefined : parseTime(before, "created_before", "last"),
      };
      const page = await store.artifacts.search({ ...wanted, cursor, limit });
      const isNothing = page.data.length === 0 && page.next_cursor === undefined && cursor === undefined;
      return pageSuccess(
        { tool: "search_artifacts", defaults: { limit: defaultLimit, order: "newest" } },
        args,
        page,
        page.data.map((found) => artifactLine(found, args.bucket)),
        isNothing ? await withNearest(store.artifacts, () => emptySearchHints(store.artifacts, wanted)) : [],
      );
    },
  });
}
