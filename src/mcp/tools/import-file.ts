import { z } from "zod";
import { bucket, ifVersion, key, metadata, mimeType, session, sessionId } from "../../api/schemas.js";
import { countIs } from "../../store/model/count.js";
import { folderProgress, importedFolder, importedFolderSuccess } from "../calls/folder-answer.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { success } from "../calls/tool-result.js";

export function importFile({ store, allowedDirectories, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "import_file",
    title: "Import a local file or folder",
    description: `Saves a file or folder of the machine that this server runs on, whatever its size, without you reading it. The cheapest way to keep a program's output.

A file goes to bucket and key, and the answer is its session. Each file of a folder goes to key/PATH-IN-FOLDER, and the answer lists them all. After a break, a file goes on with path and session_id alone (list_upload_sessions finds it), a folder with the same call. With status open in the answer, call get_upload_session a little later.

path_not_allowed names the directories that may be used.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    reachesFiles: true,
    input: z.strictObject({
      path: z.string().meta({ description: "Absolute path of a file or folder." }),
      bucket: bucket.optional(),
      key: key.optional().meta({
        description: "Key for a file, like reports/summary.csv. For a folder, what its keys begin with, if anything.",
      }),
      session_id: sessionId.optional().meta({
        description: "In place of bucket and key: an unfinished upload of this file.",
      }),
      mime_type: mimeType,
      metadata,
      if_version: ifVersion,
    }),
    output: session.partial().extend(importedFolder.shape),
    async answer(args, { signal, progress }) {
      const { transfer } = store;
      const allowed = await allowedDirectories();
      const wanted = { ...args, saved_by: savedBy() };
      const onFolderProgress = folderProgress(progress, "stored");
      const folder = await transfer.importFolder(wanted, { allowed, signal, onProgress: onFolderProgress });
      if (folder !== undefined) return importedFolderSuccess(folder);
      const onProgress = (done: number, total: number, id = ""): void =>
        progress(done, total, `${done} of ${countIs(total, "byte")} stored in upload session ${id}`);
      return success(await transfer.importFile(wanted, { allowed, signal, onProgress }));
    },
  });
}
