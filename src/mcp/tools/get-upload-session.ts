import { z } from "zod";
import { session, sessionId } from "../../api/schemas.js";
import { defineTool, reading, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionSuccess } from "../calls/tool-result.js";

export function getUploadSession({ store }: ToolContext): Tool {
  return defineTool({
    name: "get_upload_session",
    title: "Get an upload session",
    description: `Says where an upload stands. Ask it first after a lost connection, a restart or an answer that never came, then go on with upload_chunk at its offset.

tail is how the stored text ends. To read all: complete it, read_artifact, and go on with create_upload_session from "newest". Status open with offset equal to size: it is being published, ask again. conflict: whole, but if_version was not met or the key changed: complete_upload_session with another if_version, or abort.`,
    annotations: reading,
    input: z.strictObject({ session_id: sessionId }),
    output: session,
    answer: async ({ session_id }) => sessionSuccess(await store.uploads.get(session_id), {}),
  });
}
