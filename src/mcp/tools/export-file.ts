import { z } from "zod";
import { bucket, key, version } from "../../api/schemas.js";
import { countIs } from "../../store/model/count.js";
import { defineTool, type Tool, type ToolContext } from "../calls/tool.js";
import { success } from "../calls/tool-result.js";

export function exportFile({ store, allowedDirectories }: ToolContext): Tool {
  return defineTool({
    name: "export_file",
    title: "Export to a local file",
    description: `Writes an artifact's content to a file of the machine that this server runs on, whatever its size, without you reading it. The content is checked against its digest, and the file appears whole or not at all.

The path is absolute, its directory exists, and it is inside a directory that was allowed; path_not_allowed names those. A file that exists is replaced only with overwrite true.`,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    reachesFiles: true,
    input: z.strictObject({
      bucket,
      key,
      version,
      path: z.string().meta({ description: "Absolute path of the file to write; its directory must exist." }),
      overwrite: z.boolean().default(false).meta({ description: "Replace the file where there is one." }),
    }),
    output: z.object({
      path: z.string().meta({ description: "Where the file is, symlinks resolved." }),
      bytes: z.int().min(0).meta({ description: "Size of the content in bytes." }),
      sha256: z.string().meta({ description: "SHA-256 of the content, hex." }),
    }),
    async answer(args, { signal, progress }) {
      const allowed = await allowedDirectories();
      const onProgress = (done: number, total: number): void =>
        progress(done, total, `${done} of ${countIs(total, "byte")} written`);
      return success(await store.transfer.exportFile(args, { allowed, signal, onProgress }));
    },
  });
}
