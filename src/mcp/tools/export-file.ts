import { z } from "zod";
import { version } from "../../api/schemas.js";
import { countIs } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { exportedFolder, exportedFolderSuccess, folderProgress } from "../calls/folder-answer.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { success } from "../calls/tool-result.js";

export function exportFile({ store, allowedDirectories }: ToolContext): Tool {
  return defineTool({
    name: "export_file",
    title: "Export to a local file or folder",
    description: `Writes an artifact, or all under a prefix, to files of this server's machine, whatever its size, without you reading it. A file appears whole or not at all.

With key, path is a file. With prefix it is a folder, made if missing, and the rest of each key a path in it.`,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    reachesFiles: true,
    input: z.strictObject({
      bucket: z.string().meta({ description: "Bucket to read from." }),
      key: z.string().optional().meta({ description: "Key of one artifact." }),
      prefix: z.string().optional().meta({
        description: 'In place of key: a folder of keys, like reports/2026/; "/" is the whole bucket.',
      }),
      version: version.meta({ description: "Of key. The newest where left out." }),
      path: z.string().meta({ description: "Absolute path to write; the directory above it must exist." }),
      overwrite: z.boolean().default(false).meta({ description: "Replace files that exist." }),
    }),
    output: exportedFolder.extend({
      sha256: z.string().optional().meta({ description: "One artifact: SHA-256 of the content, hex." }),
    }),
    async answer({ key, prefix, version, ...args }, { signal, progress }) {
      checkOneOf(key, prefix, version);
      const allowed = await allowedDirectories();
      if (prefix !== undefined) {
        const onProgress = folderProgress(progress, "written");
        const folder = await store.transfer.exportFolder({ ...args, prefix }, { allowed, signal, onProgress });
        return exportedFolderSuccess(folder);
      }
      const onProgress = (done: number, total: number): void =>
        progress(done, total, `${done} of ${countIs(total, "byte")} written`);
      const wanted = { ...args, key: key ?? "", version };
      return success(await store.transfer.exportFile(wanted, { allowed, signal, onProgress }));
    },
  });
}

/** @throws ArtifactError `invalid_argument` */
function checkOneOf(key: string | undefined, prefix: string | undefined, version: number | undefined): void {
  const refused = (argument: string, message: string): ArtifactError =>
    new ArtifactError("invalid_argument", message, { details: { argument } });
  if (key === undefined && prefix === undefined) {
    throw refused(
      "key",
      'key is required: give key for one artifact, or prefix for all under it ("/" for all of them).',
    );
  }
  if (prefix === undefined) return;
  if (key !== undefined) throw refused("prefix", "prefix is in place of key: give one of the two.");
  if (version !== undefined) throw refused("version", "version is for one key: with prefix, the newest are exported.");
}
