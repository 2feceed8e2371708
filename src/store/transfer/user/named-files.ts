import { ArtifactError } from "../../model/errors.js";
import { isKey, toKey } from "../../model/names/key-name.js";
import { quote } from "../../model/quote.js";
import type { UserFiles, WalkOptions } from "../../ports/user-files.js";
import { keyIn } from "../folder-names.js";
import type { DiskNames } from "./disk-names.js";
import { escapedKey, escapedSpelling } from "./escaped-names.js";
import type { JobReport } from "./job-report.js";

/** A file, and the key that it gets. */
export interface NamedFile {
  /** As lines and answers show it. */
  readonly name: string;
  readonly path: string;
  readonly key: string;
}

export interface NamedFilesOptions extends WalkOptions {
  /** The folder of keys, from `toKeyFolder`. */
  readonly keyFolder: string;
  readonly rename: boolean;
  readonly names: DiskNames;
}

export interface WalkReport {
  /** Directories that could not be read were left out. */
  isPartial: boolean;
  /** Keys of entries that are skipped or cannot be saved: nothing is known about these, and about keys below them. */
  readonly skippedKeys: string[];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: everything but ASCII
const notAscii = /[^\x00-\x7f]/;

/**
 * The files below a directory with their keys. What is skipped, and names that cannot be keys, go to the report. Two
 * spellings of one name are one key: the second one gets none.
 */
export async function* namedFiles(
  files: UserFiles,
  folder: string,
  { keyFolder, rename, follow, names }: NamedFilesOptions,
  report: JobReport,
  walk: WalkReport = { isPartial: false, skippedKeys: [] },
): AsyncGenerator<NamedFile, void, undefined> {
  const spelled = new Set<string>();
  for await (const entry of files.walk(folder, { follow })) {
    const { name } = entry;
    if (entry.kind === "unread") {
      walk.isPartial = true;
      report.fail(`${name || folder}`, `the folder cannot be read: ${entry.problem}`);
      continue;
    }
    const mapped = await names.keyOf(name);
    const attempts = rename ? [mapped, escapedSpelling(name)] : [name];
    const found = entry.kind === "file" ? keyOf(name, attempts, keyFolder, rename, spelled) : undefined;
    if (found !== undefined && "key" in found) {
      yield { name: shown(name), path: `${folder}/${name}`, key: found.key };
      continue;
    }
    walk.skippedKeys.push(...keysOf([name, mapped, escapedSpelling(name)], keyFolder));
    if (entry.kind === "skipped") report.skip(shown(name), entry.is, entry.what);
    else report.fail(shown(name), found?.problem ?? "");
  }
}

function keyOf(
  name: string,
  attempts: readonly string[],
  keyFolder: string,
  rename: boolean,
  spelled: Set<string>,
): { readonly key: string } | { readonly problem: string } {
  let problem = "";
  for (const attempt of attempts) {
    try {
      const key = toKey(keyIn(keyFolder, attempt));
      if (!notAscii.test(key)) return { key };
      if (!spelled.has(key)) {
        spelled.add(key);
        return { key };
      }
      problem = `another spelling of its name is the key ${quote(key)} too`;
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      problem = isUtf8(name) ? error.message : "its name is not UTF-8";
    }
  }
  return { problem: rename ? problem : `${problem} (--rename maps such names)` };
}

/** The keys that an entry may have been saved under, with `--rename` or without. */
function keysOf(names: readonly string[], keyFolder: string): string[] {
  const keys = names.map((name) => keyIn(keyFolder, name).normalize("NFC"));
  return [...new Set(keys)].filter(isKey);
}

/** The surrogates of bytes that are no UTF-8 are shown as these bytes. */
function shown(name: string): string {
  return isUtf8(name) ? name : escapedKey(name);
}

function isUtf8(name: string): boolean {
  return name.isWellFormed();
}
