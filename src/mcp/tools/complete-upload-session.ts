import { z } from "zod";
import { contentSha256, newIfVersion, session, sessionId } from "../../api/schemas.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { success, withText } from "../calls/tool-result.js";

export function completeUploadSession({ store }: ToolContext): Tool {
  return defineTool({
    name: "complete_upload_session",
    title: "Complete an upload session",
    description: `Ends an upload that was created without size: what has been uploaded becomes the artifact, which the answer carries. Sized uploads complete by themselves with their last byte. Asking twice is safe and answers the same. Status open means that a large upload is still being published: call get_upload_session a little later.

After a version_conflict the session has status conflict and keeps its bytes: call this with if_version set to the newest version to publish on top of it. After a checksum_mismatch it keeps them too: call this with the right sha256.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    meta: alwaysLoad,
    input: z.strictObject({
      session_id: sessionId,
      size: z
        .int()
        .min(0)
        .optional()
        .meta({ description: "Bytes that the whole content has, if you know: other content is not published." }),
      sha256: contentSha256,
      if_version: newIfVersion,
    }),
    output: session,
    async answer({ session_id, ...wanted }) {
      const session = await store.uploads.complete(session_id, { ...wanted, needsEveryChunk: true });
      return isEmpty(session) ? withText(success(session), nothingUploaded) : success(session);
    },
  });
}

const nothingUploaded = "The artifact is empty: no byte was uploaded before it was completed.";

function isEmpty({ status, offset }: UploadSession): boolean {
  return status === "complete" && offset === 0;
}
