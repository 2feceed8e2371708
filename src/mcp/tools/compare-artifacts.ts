import { z } from "zod";
import { comparedVersions } from "../../api/compared-versions.js";
import { comparison } from "../../api/comparison-schema.js";
import { bucket, key } from "../../api/schemas.js";
import { withKeyHints } from "../calls/key-hints.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { comparisonAnswer } from "../descriptions/comparison-answer.js";

/** Characters of a diff or of a list of changes: less than a page, because what is said about it comes before. */
const chars = 7_200;

const compared = z.object({
  bucket: z.string(),
  key: z.string(),
  version: z.int().min(1),
  bytes: z.int().min(0),
});

export function compareArtifacts({ store }: ToolContext): Tool {
  return defineTool({
    name: "compare_artifacts",
    title: "Compare two versions or artifacts",
    description:
      "Shows how two versions of an artifact, or two artifacts, differ: a diff of text, changed rows of a table, or the first byte that differs. Default: the newest and the one before it.",
    annotations: reading,
    input: z.strictObject({
      bucket,
      key,
      version: z.int().min(1).optional().meta({ description: "The earlier version." }),
      to_bucket: z.string().optional().meta({ description: "The same if left out." }),
      to_key: z.string().optional().meta({ description: "The same if left out." }),
      to_version: z.int().min(1).optional().meta({ description: "The newest if left out." }),
      by: z.string().optional().meta({ description: "A column that names the rows of both tables." }),
    }),
    output: comparison.extend({ before: compared, after: compared }),
    async answer({ by, ...asked }, { signal }) {
      return withKeyHints(store.artifacts, asked, async () => {
        const { before, after } = await comparedVersions(store.artifacts, asked);
        return comparisonAnswer(await store.insight.compare(before, after, { by, chars }, signal));
      });
    },
  });
}
