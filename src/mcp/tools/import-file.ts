import { z } from "zod";
import { bucket, ifVersion, key, metadata, mimeType, session, sessionId } from "../../api/schemas.js";
import { countIs } from "../../store/model/count.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { success } from "../calls/tool-result.js";

export function importFile({ store, allowedDirectories, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "import_file",
    title: "Import a local file",
    description: `Stores a file of the machine that this server runs on, whatever its size, without you reading it: the cheapest way to save a program's output. Answers the session, complete with its artifact.

Give path with bucket and key for a new artifact. An import that broke off goes on with path and session_id alone (list_upload_sessions finds the id by bucket and key): the file must still begin with what was stored. With status open in the answer, call get_upload_session a little later.

The path is absolute and inside a directory that was allowed; path_not_allowed names those. Directories are not imported: make an archive first.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    reachesFiles: true,
    input: z.strictObject({
      path: z.string().meta({ description: "Absolute path of a regular file." }),
      bucket: bucket.optional(),
      key: key.optional(),
      session_id: sessionId.optional().meta({
        description: "In place of bucket and key: an unfinished import, or any upload of this file, to go on with.",
      }),
      mime_type: mimeType,
      metadata,
      if_version: ifVersion,
    }),
    output: session,
    async answer(args, { signal, progress }) {
      const allowed = await allowedDirectories();
      const onProgress = (done: number, total: number, id = ""): void =>
        progress(done, total, `${done} of ${countIs(total, "byte")} stored in upload session ${id}`);
      const wanted = { ...args, saved_by: savedBy() };
      return success(await store.transfer.importFile(wanted, { allowed, signal, onProgress }));
    },
  });
}
