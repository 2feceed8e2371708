import { count } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { foldersAbove } from "../model/names/folders-above.js";
import { toKey } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import type { ListedFile } from "../ports/local-files.js";

/** An error shows this many names. */
const maxShownNames = 10;

/**
 * The folder of keys that a text names, in NFC: empty for all keys of a bucket, else without a slash at its end. `/` names
 * all keys.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function toKeyFolder(text: string): string {
  const folder = text.endsWith("/") ? text.slice(0, -1) : text;
  return folder === "" ? "" : toKey(folder);
}

/** The key of a file in a folder of keys, or the beginning of all keys in it. */
export function keyIn(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/**
 * The keys of the files of a folder, in their order.
 *
 * @param folder from `toKeyFolder`
 * @throws ArtifactError `invalid_argument` if a file cannot have its name as a key, or two names become one key
 */
export function keysOfFiles(files: readonly ListedFile[], folder: string): string[] {
  const problems: string[] = [];
  const keys = files.map(({ name, problem }) => {
    try {
      if (problem === undefined) return toKey(keyIn(folder, name));
      problems.push(`${quote(name)}: ${problem}.`);
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      problems.push(error.message);
    }
    return "";
  });
  if (problems.length === 0) problems.push(...sameNames(files.map(({ name }) => name)));
  if (problems.length === 0) return keys;
  const what = `${count(problems.length, "name")} in this folder cannot become ${problems.length === 1 ? "a key" : "keys"}`;
  throw new ArtifactError(
    "invalid_argument",
    `${what}, and nothing was saved. Rename these files, or import the others on their own.\n${firstOf(problems)}`,
    { details: { argument: "path" } },
  );
}

/** The files and folders whose names are different texts, and the same one in NFC. */
function sameNames(names: readonly string[]): string[] {
  const seen = new Map<string, string>();
  const problems = new Set<string>();
  for (const name of names) {
    for (const place of [...foldersAbove(name), name]) {
      const key = place.normalize("NFC");
      const other = seen.get(key) ?? place;
      seen.set(key, other);
      if (other !== place) problems.add(`${quote(other)} and another spelling of the same name are one key.`);
    }
  }
  return [...problems];
}

/**
 * Checks that no name is a file and a folder at once, like `a` beside `a/b`.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function checkFoldersAreNoFiles(names: readonly string[]): void {
  const files = new Set(names);
  const both = new Set(names.flatMap((name) => foldersAbove(name).filter((folder) => files.has(folder))));
  if (both.size === 0) return;
  const message = `These keys are artifacts, and other keys lie below them, so each would have to be a file and a directory. Nothing was written: export them on their own.\n${firstOf([...both].map(quote))}`;
  throw new ArtifactError("invalid_argument", message, { details: { argument: "prefix" } });
}

function firstOf(lines: readonly string[]): string {
  const rest = lines.length - maxShownNames;
  return [...lines.slice(0, maxShownNames), ...(rest > 0 ? [`and ${rest} more`] : [])].join("\n");
}
