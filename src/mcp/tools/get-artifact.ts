import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { briefDescription, briefOf } from "../../api/brief-description.js";
import { artifact, bucket, key, version } from "../../api/schemas.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count } from "../../store/model/count.js";
import type { Page } from "../../store/model/cursor.js";
import { largestPageLimit } from "../../store/model/limits.js";
import { artifactText } from "../calls/answer-text.js";
import { withKeyHints } from "../calls/key-hints.js";
import { versionLine } from "../calls/list-lines.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { success, withText } from "../calls/tool-result.js";

const shellDownload =
  " A shell fetches it into a file with curl --fail -o FILE URL and the answer's url, which works for an hour without a token.";

export function getArtifact({ store, hasUrls }: ToolContext): Tool {
  return defineTool({
    name: "get_artifact",
    title: "Get an artifact's info",
    description: `Answers what is known of an artifact without its content: size, type, digest, version, time, metadata. read_artifact reads it.${hasUrls ? shellDownload : ""}`,
    annotations: reading,
    input: z.strictObject({
      bucket,
      key,
      version,
      versions: z
        .int()
        .min(1)
        .max(largestPageLimit)
        .optional()
        .meta({ description: "Also lists so many of its versions, newest first." }),
    }),
    output: artifact.extend({
      description: briefDescription
        .optional()
        .meta({ description: "What the content is, once describe_artifact or a read has found it." }),
      versions: z.array(artifact).optional(),
    }),
    async answer({ bucket, key, version, versions }) {
      const found = await withKeyHints(store.artifacts, { bucket, key }, () =>
        store.artifacts.get(bucket, key, version),
      );
      const known = await store.insight.known(found);
      const facts = known === undefined ? found : { ...found, description: briefOf(known) };
      if (versions === undefined) return success(facts, artifactText(facts));
      return withVersions(facts, await store.artifacts.listVersions(bucket, key, { limit: versions }));
    },
  });
}

function withVersions(artifact: Artifact, { data, next_cursor }: Page<Artifact>): CallToolResult {
  const rest = next_cursor === undefined ? "These are all that are kept." : "There are older ones.";
  const lines = [`${count(data.length, "version")}, newest first. ${rest}`, ...data.map(versionLine)];
  return withText(success({ ...artifact, versions: data }, artifactText(artifact)), lines.join("\n"));
}
