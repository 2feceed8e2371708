import { z } from "zod";
import { session, sessionId } from "../../api/schemas.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionProgress } from "../calls/tool-result.js";

export function abortUploadSession({ store }: ToolContext): Tool {
  return defineTool({
    name: "abort_upload_session",
    title: "Abort an upload session",
    description:
      "Gives up an unfinished upload and frees its bytes, which cannot be undone. Published artifacts do not change.",
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    input: z.strictObject({ session_id: sessionId }),
    output: session,
    answer: async ({ session_id }) => sessionProgress(await store.uploads.abort(session_id)),
  });
}
