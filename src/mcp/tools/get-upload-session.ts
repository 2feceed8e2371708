import { z } from "zod";
import { session, sessionId } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionSuccess } from "../calls/tool-result.js";

export function getUploadSession({ store }: ToolContext): Tool {
  return defineTool({
    name: "get_upload_session",
    title: "Get an upload session",
    description: `Says where an upload stands. Ask it first after a lost connection, a restart or an answer that never came, then go on with upload_chunk at its offset.

Status is open (with offset equal to size it is being published: ask again), conflict (whole, but if_version was not met or the key changed: call complete_upload_session with the if_version of the newest version, or abort), complete (with the artifact), aborted or expired. list_upload_sessions finds a lost id.`,
    annotations: reading,
    input: z.strictObject({ session_id: sessionId }),
    output: session,
    answer: async ({ session_id }) => sessionSuccess(await store.uploads.get(session_id), {}),
  });
}
