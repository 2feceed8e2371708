import { z } from "zod";
import { artifact, bucket, key, version } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { success } from "../calls/tool-result.js";

export function getArtifact({ store, hasUrls }: ToolContext): Tool {
  return defineTool({
    name: "get_artifact",
    title: "Get an artifact's info",
    description: `Answers what is known of an artifact (size, type, digest, version, time, metadata) without its content. For the content use read_artifact${hasUrls ? "; a shell fetches it into a file, whatever its size, with curl --fail -o FILE URL and the answer's url, which works for an hour without a token" : ""}.`,
    annotations: reading,
    input: z.strictObject({ bucket, key, version }),
    output: artifact,
    answer: async ({ bucket, key, version }) => success(await store.artifacts.get(bucket, key, version)),
  });
}
