import { z } from "zod";
import { bucketSummary, cursor, limit, pageOf } from "../../api/schemas.js";
import { bucketLine } from "../calls/list-lines.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listBuckets({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_buckets",
    title: "List buckets",
    description:
      "Lists the buckets that hold artifacts, with their number of artifacts, bytes and newest time. Look here first to see what earlier sessions have saved.",
    annotations: reading,
    input: z.strictObject({ cursor, limit }),
    output: pageOf(bucketSummary),
    async answer(options) {
      const page = await store.artifacts.listBuckets(options);
      return pageSuccess("list_buckets", options, page, page.data.map(bucketLine));
    },
  });
}
