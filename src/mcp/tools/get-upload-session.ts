import { z } from "zod";
import { session, sessionId } from "../../api/schemas.js";
import { alwaysLoad, defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionSuccess } from "../calls/tool-result.js";

export function getUploadSession({ store }: ToolContext): Tool {
  return defineTool({
    name: "get_upload_session",
    title: "Get an upload session",
    description: `Says where an upload stands. Ask it first after a lost connection, a restart or an answer that never came, then go on with upload_chunk at its offset.

offset says how many bytes are stored for good, status whether it is open (with offset equal to size it is being published: ask again), conflict (if_version was not met, or the key changed while a completion was interrupted: call complete_upload_session again, with another if_version where one was given, or abort), complete (with the artifact), aborted or expired.

Where the id was lost too, use list_upload_sessions.`,
    annotations: reading,
    meta: alwaysLoad,
    input: z.strictObject({ session_id: sessionId }),
    output: session,
    answer: async ({ session_id }) => sessionSuccess(await store.uploads.get(session_id)),
  });
}
