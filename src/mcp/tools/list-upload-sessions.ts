import { z } from "zod";
import { bucket, cursor, key, limit, pageOf, session } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listUploadSessions({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_upload_sessions",
    title: "List upload sessions",
    description: `Lists upload sessions by bucket and key, of this and every other process: the way to find an upload again when its id was lost. Those with status open can be carried on from their offset; finished ones stay listed until they expire. All sessions where bucket and key are left out.`,
    annotations: reading,
    input: z.strictObject({
      bucket: bucket.optional(),
      key: key.optional().meta({ description: "Only uploads to this key; needs bucket." }),
      cursor,
      limit,
    }),
    output: pageOf(session),
    answer: async (filter) => pageSuccess("list_upload_sessions", filter, await store.uploads.list(filter)),
  });
}
