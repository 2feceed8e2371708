import { z } from "zod";
import { artifact, bucket, cursor, delimiter, limit, pageOf, prefix } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listArtifacts({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_artifacts",
    title: "List artifacts",
    description: `Lists the artifacts of a bucket in the order of their keys, each as its newest version. prefix narrows it down; with delimiter "/" it lists like a folder: keys directly under prefix are in data, deeper ones are rolled up into prefixes, which can be listed in turn.`,
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
    answer: async (options) => pageSuccess("list_artifacts", options, await store.artifacts.list(options)),
  });
}
