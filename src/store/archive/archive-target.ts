import { createHash } from "node:crypto";
import { ArtifactError } from "../model/errors.js";
import { quote } from "../model/quote.js";
import type { ArchiveFolder } from "../ports/archive-folder.js";
import { isFileName, manifestName } from "./archive-names.js";
import { linesOf, listItems, listText, type WrongFile } from "./list-file.js";
import { type ManifestEntry, manifestEntries, wrongManifest } from "./manifest.js";
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
  /** The SHA-256 digest of the manifest; absent if there is none, or if it names no artifact. */
  readonly manifest?: string | undefined;
}

/** Another export that ends meanwhile changes what is there at two of its calls. */
const maxLooks = 5;

/**
 * Looks at a directory before an export. Another export may be writing to it.
 *
 * @throws ArtifactError `invalid_argument` unless it can be made, is empty, or has an earlier export
 */
export async function lookAtTarget(folder: ArchiveFolder): Promise<ArchiveTarget> {
  for (let looks = 1; ; looks += 1) {
    const present = await filesIn(folder);
    try {
      return { present, ...(await ownedIn(folder, present)) };
    } catch (error) {
      if (!(error instanceof ArtifactError) || looks === maxLooks) throw error;
    }
  }
}

/**
 * The files in the directory of an export. If it is none, nothing below the first file is read.
 *
 * @throws ArtifactError `invalid_argument` unless it can be made, is empty, or may have an earlier export
 */
export async function filesIn(folder: ArchiveFolder): Promise<ReadonlySet<string>> {
  let isExport: boolean | undefined;
  const names = await folder.list((some) => {
    isExport ??= some.some(isAboutExport); // the first names are those in the directory itself
    const other = isExport ? undefined : some.find((name) => !isLeftover(name, aboutExport));
    if (other !== undefined) throw notAnExport(folder, `it has ${quote(other)}`);
  });
  return new Set(names);
}

async function ownedIn(folder: ArchiveFolder, present: ReadonlySet<string>): Promise<Omit<ArchiveTarget, "present">> {
  const owned = new Set([...present].filter(isAboutExport));
  if (present.has(unfinishedName)) for await (const file of unfinishedFiles(folder)) owned.add(file);
  if (!present.has(manifestName)) return { owned };
  const hash = createHash("sha256");
  let isEmpty = true;
  for await (const { file } of ownManifest(folder, (block) => hash.update(block))) {
    owned.add(file);
    isEmpty = false;
  }
  return { owned, manifest: isEmpty ? undefined : hash.digest("hex") };
}

const aboutExport: readonly string[] = [manifestName, unfinishedName];

/** Whether the file of this name is about the export itself, and not the content of an artifact. */
export function isAboutExport(name: string): boolean {
  return aboutExport.includes(name);
}

/** Writes down which files an export may write, before it writes the first one. */
export async function noteUnfinished(folder: ArchiveFolder, files: Iterable<string>): Promise<void> {
  await writeText(folder, unfinishedName, listText(member, asJson(files)));
}

const member = "files";

function* asJson(names: Iterable<string>): Generator<string, void, undefined> {
  for (const name of names) yield JSON.stringify(name);
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

/** The entries of the manifest of a directory that may be somebody else's. */
async function* ownManifest(folder: ArchiveFolder, onBlock: (block: Uint8Array) => void) {
  try {
    yield* entriesIn(folder, onBlock);
  } catch (error) {
    const isWrong = error instanceof ArtifactError && error.code === "invalid_argument";
    throw isWrong ? notAnExport(folder, error.message.replace(/\.$/, "")) : error;
  }
}

/**
 * The entries of the manifest in a directory.
 *
 * @param onBlock called with each block of its bytes
 * @throws ArtifactError `invalid_argument` if there is none, or if it is none
 */
export async function* entriesIn(
  folder: ArchiveFolder,
  onBlock?: (block: Uint8Array) => void,
): AsyncGenerator<ManifestEntry, void, undefined> {
  yield* manifestEntries(linesIn(folder, manifestName, wrongManifest, onBlock));
}

async function* unfinishedFiles(folder: ArchiveFolder): AsyncGenerator<string, void, undefined> {
  const wrong: WrongFile = (problem, cause) =>
    notAnExport(folder, `${unfinishedName} cannot be read: ${problem}`, cause);
  for await (const name of listItems(member, linesIn(folder, unfinishedName, wrong), wrong)) {
    if (typeof name !== "string" || !isFileName(name)) throw wrong("it has something else than names of files");
    yield name;
  }
}

async function* linesIn(
  folder: ArchiveFolder,
  name: string,
  wrong: WrongFile,
  onBlock?: (block: Uint8Array) => void,
): AsyncGenerator<string, void, undefined> {
  const file = await folder.open(name);
  try {
    yield* linesOf(file, wrong, onBlock);
  } finally {
    await file.close();
  }
}

function notAnExport({ path }: ArchiveFolder, problem: string, cause?: unknown): ArtifactError {
  const message = `${quote(path)} is neither empty nor an earlier export: ${problem}. Nothing was written: give another directory.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "path" }, cause });
}
