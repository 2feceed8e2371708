import { z } from "zod";
import { bucket, cursor, key, limit, pageOf, session } from "../../api/schemas.js";
import { sessionLine } from "../calls/list-lines.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { pageSuccess } from "../calls/tool-result.js";

export function listUploadSessions({ store }: ToolContext): Tool {
  return defineTool({
    name: "list_upload_sessions",
    title: "List upload sessions",
    description:
      "Lists unfinished uploads, newest first, of this and every other process: the way to find one again when its id was lost. Go on with upload_chunk at its offset, with what comes after its tail (given with bucket and key).",
    annotations: reading,
    input: z.strictObject({
      bucket: bucket.optional(),
      key: key.optional().meta({ description: "With bucket: only uploads to this key." }),
      all: z.boolean().default(false).meta({ description: "Also ended ones; without key in order of bucket and key." }),
      cursor,
      limit,
    }),
    output: pageOf(session),
    async answer(filter) {
      const page = await store.uploads.list(filter);
      const lines = page.data.map((session) => sessionLine(session, filter.key !== undefined));
      return pageSuccess("list_upload_sessions", filter, page, lines);
    },
  });
}
