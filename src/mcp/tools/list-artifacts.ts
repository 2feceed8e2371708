import { z } from "zod";
import { withNearest } from "../../api/hints/nearest-error.js";
import { artifact, bucket, cursor, delimiter, limit, pageOf, prefix } from "../../api/schemas.js";
import { artifactLine, prefixLine } from "../calls/list-lines.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listArtifacts({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_artifacts",
    title: "List artifacts",
    description: `Lists the artifacts of a bucket by key, each as its newest version. With delimiter "/" it lists like a folder: deeper keys are rolled up into prefixes.`,
    annotations: reading,
    input: z.strictObject({
      bucket,
      prefix,
      delimiter,
      cursor,
      limit,
    }),
    output: pageOf(artifact).extend({
      prefixes: z.array(z.string()).meta({ description: "With delimiter: what deeper keys begin with." }),
    }),
    async answer(options) {
      const page = await withNearest(store.artifacts, () => store.artifacts.list(options));
      const lines = [
        ...page.prefixes.map(prefixLine),
        ...page.data.map((entry) => artifactLine(entry, options.bucket)),
      ];
      return pageSuccess("list_artifacts", options, page, lines);
    },
  });
}
