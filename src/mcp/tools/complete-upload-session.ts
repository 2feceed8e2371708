import { z } from "zod";
import { guardArgument } from "../../api/guard-arguments.js";
import { contentSha256, session, sessionId } from "../../api/schemas.js";
import type { UploadSession } from "../../store/model/upload-session.js";
import { newIfVersion } from "../calls/change-arguments.js";
import { alwaysLoad, defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { sessionProgress, withText } from "../calls/tool-result.js";

export function completeUploadSession({ store }: ToolContext): Tool {
  return defineTool({
    name: "complete_upload_session",
    title: "Complete an upload session",
    description: `Ends an upload that was created without size: what has been uploaded becomes the artifact. Asking twice is safe. Status open: it is still being published, call get_upload_session a little later.

After version_conflict or checksum_mismatch the bytes are kept: call this again with the right if_version or sha256. It also ends an upload whose declared size was too large, with size set to what there is.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    meta: alwaysLoad,
    input: z.strictObject({
      session_id: sessionId,
      size: z.int().min(0).optional().meta({ description: "Bytes that the content must have, if you know." }),
      sha256: contentSha256,
      if_version: newIfVersion,
    }),
    output: session,
    async answer({ session_id, if_version, ...rest }) {
      const wanted = { ...rest, ...guardArgument(if_version), needsEveryChunk: true };
      const session = await store.uploads.complete(session_id, wanted);
      return isEmpty(session) ? withText(sessionProgress(session), nothingUploaded) : sessionProgress(session);
    },
  });
}

const nothingUploaded = "The artifact is empty: no byte was uploaded before it was completed.";

function isEmpty({ status, offset }: UploadSession): boolean {
  return status === "complete" && offset === 0;
}
