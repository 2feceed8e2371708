import { z } from "zod";
import { bucketSummary, cursor, limit, pageOf } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listBuckets({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_buckets",
    title: "List buckets",
    description:
      "Lists the buckets that hold an artifact, in order. Look here first to see what earlier sessions have saved, then use list_artifacts.",
    annotations: reading,
    input: z.strictObject({ cursor, limit }),
    output: pageOf(bucketSummary),
    answer: async (options) => pageSuccess("list_buckets", options, await store.artifacts.listBuckets(options)),
  });
}
