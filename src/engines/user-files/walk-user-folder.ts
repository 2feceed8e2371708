import type { Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { WalkedEntry, WalkOptions } from "../../store/ports/user-files.js";
import { errorCodeOf } from "../engine-error.js";
import { ignoringErrno } from "../file-system.js";
import { kindOf, kindWord, readError } from "../local-files/local-file-errors.js";
import { readPartName } from "./part-names.js";
import { isOfProcess, problemOf } from "./problem-of.js";
import { systemPath, textOfName } from "./system-path.js";
import { isGone } from "./target-folders.js";

interface Walk extends WalkOptions {
  readonly root: string;
  /** Identity of the store's own directory. */
  readonly forbidden: string | undefined;
}

/** Walks over the entries below a directory. @throws ArtifactError as `UserFiles.walk` does */
export async function* walkUserFolder(
  root: string,
  options: WalkOptions,
  forbidden: string,
): AsyncGenerator<WalkedEntry, void, undefined> {
  const own = await ignoringErrno(["ENOENT"], () => identityOf(forbidden), undefined);
  try {
    await readdir(systemPath(root)); // `walkFolder` would only report the problem
  } catch (error) {
    throw readError(root, error);
  }
  yield* walkFolder({ ...options, root, forbidden: own }, "", []);
}

/** @param above identities of the directories above it */
async function* walkFolder(
  walk: Walk,
  name: string,
  above: readonly string[],
): AsyncGenerator<WalkedEntry, void, undefined> {
  const read = await readFolder(walk, name, above);
  if (!("entries" in read)) return yield read;
  for (const entry of read.entries) {
    const own = textOfName(entry.name);
    const full = name === "" ? own : `${name}/${own}`;
    const kind = await kindOfEntry(walk, full, entry);
    if (kind === "file") yield { kind: "file", name: full };
    else if (kind === "folder") yield* walkFolder(walk, full, [...above, read.identity]);
    else if (kind !== undefined) yield { kind: "skipped", name: full, ...kind };
  }
}

interface ReadFolder {
  readonly identity: string;
  readonly entries: readonly Dirent<Buffer>[];
}

async function readFolder(walk: Walk, name: string, above: readonly string[]): Promise<ReadFolder | WalkedEntry> {
  const path = join(walk.root, name);
  try {
    const identity = await identityOf(path);
    if (identity === walk.forbidden) return { kind: "skipped", name, is: "store", what: "the store's own directory" };
    if (above.includes(identity)) {
      return { kind: "skipped", name, is: "symlink", what: "a symlink to a folder that contains it" };
    }
    return { identity, entries: await sortedEntries(path) };
  } catch (error) {
    if (isOfProcess(error)) throw error;
    return { kind: "unread", name, problem: problemOf(error) };
  }
}

async function sortedEntries(path: string): Promise<Dirent<Buffer>[]> {
  const options = { withFileTypes: true, encoding: "buffer" } as const;
  const entries = await readdir(systemPath(path), options);
  return entries.sort((a, b) => Buffer.compare(a.name, b.name));
}

type Skipped = Pick<Extract<WalkedEntry, { readonly kind: "skipped" }>, "is" | "what">;

/** `file`, `folder`, or why it is skipped. Undefined if it was removed meanwhile. */
async function kindOfEntry(
  walk: Walk,
  name: string,
  entry: Dirent<Buffer>,
): Promise<"file" | "folder" | Skipped | undefined> {
  if (entry.isDirectory()) return "folder";
  if (readPartName(textOfName(entry.name)) !== undefined) {
    return { is: "unfinished", what: "an unfinished file of get" };
  }
  if (entry.isFile()) return "file";
  const path = systemPath(join(walk.root, name));
  const found = await ignoringErrno(["ENOENT"], () => lstat(path), undefined); // some systems tell no kinds in a listing
  if (found === undefined) return undefined;
  if (found.isSymbolicLink() && !walk.follow) return { is: "symlink", what: "a symlink" };
  try {
    const target = await stat(path);
    if (target.isFile()) return "file";
    return target.isDirectory() ? "folder" : { is: kindWord(target), what: kindOf(target) };
  } catch (error) {
    if (isGone(error) || errorCodeOf(error) === "EACCES") {
      return { is: "symlink", what: "a symlink that leads to no file" };
    }
    throw error;
  }
}

/** Device and inode of a directory. */
async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await stat(systemPath(path), { bigint: true });
  return `${dev}:${ino}`;
}
