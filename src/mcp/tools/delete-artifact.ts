import { z } from "zod";
import { deleteOrNotFound } from "../../api/delete-or-not-found.js";
import { artifact, bucket, deletedVersion, key } from "../../api/schemas.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { success } from "../calls/tool-result.js";

export function deleteArtifact({ store }: ToolContext): Tool {
  return defineTool({
    name: "delete_artifact",
    title: "Delete an artifact",
    description:
      "Deletes an artifact for good, all its versions or the one that version names: it cannot be undone. Answers what it was. The space is free when the answer comes.",
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    input: z.strictObject({ bucket, key, version: deletedVersion }),
    output: artifact,
    answer: async ({ bucket, key, version }) => success(await deleteOrNotFound(store, bucket, key, { version })),
  });
}
