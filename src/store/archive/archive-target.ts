import { z } from "zod";
import { ArtifactError } from "../model/errors.js";
import { quote } from "../model/quote.js";
import type { ArchiveFolder } from "../ports/archive-folder.js";
import type { LocalFile } from "../ports/local-files.js";
import { isFileName, manifestName } from "./archive-names.js";
import { archiveFormat, parseManifest } from "./manifest.js";
import { writeText } from "./write-text.js";

/**
 * The names of all files that exports into a directory have written or may have. It is there while an export runs, and
 * after one was killed: then there is no manifest. No bucket can have this name.
 */
export const unfinishedName = ".unfinished-export.json";

/** What a directory has, to which an export is to be written. */
export interface ArchiveTarget {
  /** All files below it. */
  readonly present: ReadonlySet<string>;
  /** The files of earlier exports. They may be replaced. Some may be gone. */
  readonly owned: ReadonlySet<string>;
}

const unfinishedSchema = z.strictObject({
  format: z.literal(archiveFormat),
  files: z.array(z.string().refine(isFileName)),
});

/**
 * Looks at a directory before an export.
 *
 * @throws ArtifactError `invalid_argument` unless it can be made, is empty, or has an earlier export
 */
export async function lookAtTarget(folder: ArchiveFolder): Promise<ArchiveTarget> {
  const present = new Set(await folder.list());
  const owned = new Set<string>();
  for (const [name, read] of [
    [manifestName, filesOfManifest],
    [unfinishedName, filesOfUnfinished],
  ] as const) {
    if (!present.has(name)) continue;
    for (const file of read(folder, await readText(folder, name))) owned.add(file);
    owned.add(name);
  }
  const target = { present, owned };
  if (owned.size === 0) {
    const other = [...present].find((name) => !isLeftover(name, [manifestName, unfinishedName]));
    if (other !== undefined) throw notAnExport(folder, `it has ${quote(other)}`);
  }
  return target;
}

/** Writes down which files an export may write, before it writes the first one. */
export async function noteUnfinished(folder: ArchiveFolder, files: Iterable<string>): Promise<void> {
  const names = [...files].map((name) => `    ${JSON.stringify(name)}`).join(",\n");
  const text = `{\n  "format": ${JSON.stringify(archiveFormat)},\n  "files": [\n${names}\n  ]\n}\n`;
  await writeText(folder, unfinishedName, [text]);
}

/** Files that a killed export has not finished: `.<name>.<random>.part` beside the place of the file. */
export function leftoversIn({ present, owned }: ArchiveTarget): string[] {
  const names = [manifestName, unfinishedName, ...owned];
  return [...present].filter((name) => !owned.has(name) && isLeftover(name, names));
}

function isLeftover(name: string, files: readonly string[]): boolean {
  const [, folder = "", beginning] = /^(.*\/)?\.([^/]+)\.[0-9a-f]{16}\.part$/.exec(name) ?? [];
  return beginning !== undefined && files.some((file) => file.startsWith(folder + beginning));
}

function filesOfManifest(folder: ArchiveFolder, text: string): string[] {
  try {
    return parseManifest(text).map(({ file }) => file);
  } catch (error) {
    throw error instanceof ArtifactError ? notAnExport(folder, error.message.replace(/\.$/, "")) : error;
  }
}

function filesOfUnfinished(folder: ArchiveFolder, text: string): readonly string[] {
  try {
    return unfinishedSchema.parse(JSON.parse(text)).files;
  } catch (cause) {
    throw notAnExport(folder, `${unfinishedName} cannot be read`, cause);
  }
}

/** The text of a small file. @throws ArtifactError */
export async function readText(folder: ArchiveFolder, name: string): Promise<string> {
  const file: LocalFile = await folder.open(name);
  try {
    return Buffer.from(await file.read(0, file.bytes)).toString();
  } finally {
    await file.close();
  }
}

function notAnExport({ path }: ArchiveFolder, problem: string, cause?: unknown): ArtifactError {
  const message = `${quote(path)} is neither empty nor an earlier export: ${problem}. Nothing was written: give another directory.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "path" }, cause });
}
