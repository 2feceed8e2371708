import { z } from "zod";
import { artifact, bucket, cursor, key, limit, pageOf } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listArtifactVersions({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_artifact_versions",
    title: "List an artifact's versions",
    description:
      "Lists all versions of one artifact that are kept, newest first. Any of them can be read with read_artifact and its version.",
    annotations: reading,
    input: z.strictObject({ bucket, key, cursor, limit }),
    output: pageOf(artifact),
    async answer(args) {
      const { bucket, key, ...options } = args;
      return pageSuccess("list_artifact_versions", args, await store.artifacts.listVersions(bucket, key, options));
    },
  });
}
