import { z } from "zod";
import { cursor, limit, pageOf } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listBuckets({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_buckets",
    title: "List buckets",
    description:
      "Lists the buckets that hold artifacts, by name. Look here first to see what earlier sessions have saved.",
    annotations: reading,
    input: z.strictObject({ cursor, limit }),
    output: pageOf(z.object({ name: z.string() })),
    async answer(options) {
      const page = await store.artifacts.listBuckets(options);
      return pageSuccess(
        "list_buckets",
        options,
        page,
        page.data.map(({ name }) => name),
      );
    },
  });
}
