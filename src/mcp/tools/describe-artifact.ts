import { z } from "zod";
import { description } from "../../api/description-schema.js";
import { bucket, key, version } from "../../api/schemas.js";
import { withKeyHints } from "../calls/key-hints.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { descriptionAnswer } from "../descriptions/description-answer.js";

export function describeArtifact({ store }: ToolContext): Tool {
  return defineTool({
    name: "describe_artifact",
    title: "Describe an artifact's content",
    description:
      "Tells what content is without reading it: format, lines, rows, each column's type, empty cells, range and frequent values. Also of JSON, Parquet, images, archives, tensors.",
    annotations: reading,
    input: z.strictObject({
      bucket,
      key,
      version,
      columns: z
        .array(z.string())
        .min(1)
        .optional()
        .meta({ description: "Of these columns: 20 values and a histogram." }),
    }),
    output: description.extend({
      bucket: z.string(),
      key: z.string(),
      version: z.int().min(1),
      bytes: z.int().min(0),
    }),
    async answer({ columns, ...at }, { signal }) {
      const found = await withKeyHints(store.artifacts, at, () => store.insight.describe(at, signal));
      return descriptionAnswer(found.artifact, found.description, columns);
    },
  });
}
