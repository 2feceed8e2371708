import { z } from "zod";
import { deleteOrNotFound } from "../../api/delete-or-not-found.js";
import { artifact, bucket, deletedVersion, key } from "../../api/schemas.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { published } from "../calls/tool-result.js";

export function deleteArtifact({ store }: ToolContext): Tool {
  return defineTool({
    name: "delete_artifact",
    title: "Delete an artifact",
    description:
      "Deletes an artifact, all its versions or the one that version names: it cannot be undone. Answers what it was. A deleted version's number is never used again.",
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    input: z.strictObject({ bucket, key, version: deletedVersion }),
    output: artifact,
    async answer({ bucket, key, version }) {
      return published(await deleteOrNotFound(store, bucket, key, { version }), { bucket, key });
    },
  });
}
