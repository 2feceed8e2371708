import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { count } from "../../store/model/count.js";
import { quote } from "../../store/model/quote.js";
import type { ExportedFolder, FolderEntry } from "../../store/transfer/folder-export.js";
import type { ImportedFolder } from "../../store/transfer/folder-import.js";
import type { FolderProgress } from "../../store/transfer/transfer-options.js";
import type { ToolCall } from "./tool.js";
import { upTo } from "./up-to.js";

/*
 * Hosts cut long answers or refuse them. So the text begins with the counts, and neither the text nor the structured
 * content has more of the manifest than all hosts take.
 */

const maxLines = 20;
const maxLinesChars = 6_000;
const maxEntries = 1_000;
const maxEntriesChars = 300_000;
const maxSkippedLines = 10;
const maxSkippedEntries = 100;

const total = z.int().min(0).optional();

/** What both tools answer for a folder. Each field is optional, because for one file they answer something else. */
const transferredFolder = {
  path: z.string().optional().meta({ description: "Where the file or folder is, symlinks resolved." }),
  bucket: z.string().optional(),
  prefix: z.string().optional().meta({ description: "Folder: what its keys have before a slash; empty for none." }),
  files: total.meta({ description: "Folder: number of files." }),
  bytes: total,
  manifest: z
    .array(
      z.object({
        key: z.string(),
        version: z.int().min(1),
        bytes: z.int().min(0),
        sha256: z.string(),
        already_saved: z.literal(true).optional(),
      }),
    )
    .optional()
    .meta({ description: `Folder: its files in the order of their keys, up to ${maxEntries}.` }),
};

export const exportedFolder = z.object(transferredFolder);

export const importedFolder = exportedFolder.extend({
  saved: total.meta({ description: "Folder: files that became a new version." }),
  already_saved: total.meta({ description: "Folder: files that were the newest version already." }),
  skipped: total.meta({ description: "Folder: entries that are no reachable file." }),
  skipped_entries: z
    .array(z.object({ name: z.string(), kind: z.string() }))
    .optional()
    .meta({ description: `Folder: what was skipped, up to ${maxSkippedEntries}.` }),
});

export function importedFolderSuccess({ skipped, manifest, ...folder }: ImportedFolder): CallToolResult {
  const { path, bucket, files, saved, already_saved } = folder;
  const where = `${sizeOf(folder)} of ${JSON.stringify(path)} ${files === 1 ? "is" : "are"} in bucket ${quote(bucket)}${under(folder)}: ${saved} saved now, ${already_saved} already saved.`;
  const entries = skipped.slice(0, maxSkippedEntries);
  const structured = { ...folder, skipped: skipped.length, skipped_entries: entries, manifest: firstEntries(manifest) };
  const fresh = manifest.filter((entry) => !entry.already_saved);
  return answer([where, ...skippedLines(skipped)], folder, fresh, structured);
}

export function exportedFolderSuccess({ manifest, ...folder }: ExportedFolder): CallToolResult {
  const { path, bucket, files } = folder;
  const where =
    files === 0
      ? `Nothing was written: bucket ${quote(bucket)} has no artifact${under(folder)}.`
      : `${sizeOf(folder)} of bucket ${quote(bucket)}${under(folder)} ${files === 1 ? "is" : "are"} in ${JSON.stringify(path)}.`;
  return answer([where], folder, manifest, { ...folder, manifest: firstEntries(manifest) });
}

/** Tells the client how far a folder is. Each file counts as one more byte, so that empty files are progress too. */
export function folderProgress(progress: ToolCall["progress"], what: "stored" | "written") {
  return ({ files, totalFiles, bytes, totalBytes }: FolderProgress): void => {
    const message = `${files} of ${count(totalFiles, "file")}, ${bytes} of ${count(totalBytes, "byte")} ${what}`;
    progress(files + bytes, totalFiles + totalBytes, message);
  };
}

function answer(
  head: readonly string[],
  { bucket, prefix }: Pick<ExportedFolder, "bucket" | "prefix">,
  moved: readonly FolderEntry[],
  structuredContent: object,
): CallToolResult {
  const lines = upTo(moved.map(lineOf), maxLines, maxLinesChars);
  const listed = JSON.stringify({ bucket, ...(prefix === "" ? {} : { prefix: `${prefix}/` }) });
  const more = moved.length - lines.length;
  const rest = more > 0 ? [`... and ${more} more (list_artifacts ${listed} shows all).`] : [];
  const text = [...head, ...lines, ...rest].join("\n");
  return { content: [{ type: "text", text }], structuredContent: { ...structuredContent } };
}

function lineOf({ key, version, bytes }: FolderEntry): string {
  return `${key} version ${version}, ${count(bytes, "byte")}`;
}

function skippedLines(skipped: ImportedFolder["skipped"]): string[] {
  if (skipped.length === 0) return [];
  const shown = skipped.slice(0, maxSkippedLines).map(({ name, kind }) => `${quote(name)} (${kind})`);
  const rest = skipped.length - shown.length;
  return [`Skipped: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}.`];
}

function firstEntries(manifest: readonly FolderEntry[]): FolderEntry[] {
  const texts = manifest.map((entry) => JSON.stringify(entry));
  return manifest.slice(0, upTo(texts, maxEntries, maxEntriesChars).length);
}

function sizeOf({ files, bytes }: { readonly files: number; readonly bytes: number }): string {
  return `${count(files, "file")} (${count(bytes, "byte")})`;
}

function under({ prefix }: { readonly prefix: string }): string {
  return prefix === "" ? "" : ` under ${quote(`${prefix}/`)}`;
}
