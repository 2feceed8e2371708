import { z } from "zod";
import { expiresInOf } from "../../api/expires-in.js";
import { guardArgument } from "../../api/guard-arguments.js";
import { metadata, mimeType, session, sessionId } from "../../api/schemas.js";
import { countIs } from "../../store/model/count.js";
import { expiresIn, ifVersion } from "../calls/change-arguments.js";
import { folderProgress, importedFolder, importedFolderSuccess } from "../calls/folder-answer.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { imported } from "../calls/tool-result.js";

export function importFile({ store, allowedDirectories, savedBy }: ToolContext): Tool {
  return defineTool({
    name: "import_file",
    title: "Import a local file or folder",
    description: `Saves a file or folder of this server's machine, whatever its size, without you reading it. The cheapest way to keep a program's output.

A file goes to bucket and key. A folder's files go to key/PATH-IN-FOLDER, and the answer lists them. After a break, a folder goes on with the same call, a file with path and session_id alone (list_upload_sessions finds it). path_not_allowed names the allowed directories.`,
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    reachesFiles: true,
    input: z.strictObject({
      path: z.string().meta({ description: "Absolute path of a file or folder." }),
      bucket: z.string().optional().meta({ description: "Bucket to save in." }),
      key: z.string().optional().meta({ description: "Key of the file. For a folder, what its keys begin with." }),
      session_id: sessionId.optional().meta({ description: "An unfinished upload of this file." }),
      mime_type: mimeType.meta({ description: "Of a file. Told from key and content where left out." }),
      metadata: metadata.meta({ description: "Your own facts, an object of strings; of a folder, for each file." }),
      expires_in: expiresIn,
      if_version: ifVersion,
    }),
    output: session.partial().extend(importedFolder.shape),
    async answer({ if_version, expires_in, ...args }, { signal, progress }) {
      const { transfer } = store;
      const allowed = await allowedDirectories();
      const limits = { ...guardArgument(if_version), expires_in: expiresInOf(expires_in) };
      const wanted = { ...args, ...limits, saved_by: savedBy() };
      const onFolderProgress = folderProgress(progress, "stored");
      const folder = await transfer.importFolder(wanted, { allowed, signal, onProgress: onFolderProgress });
      if (folder !== undefined) return importedFolderSuccess(folder);
      const onProgress = (done: number, total: number, id = ""): void =>
        progress(done, total, `${done} of ${countIs(total, "byte")} stored in upload session ${id}`);
      return imported(await transfer.importFile(wanted, { allowed, signal, onProgress }), args);
    },
  });
}
