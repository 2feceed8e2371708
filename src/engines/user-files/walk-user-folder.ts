import type { Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { WalkedEntry, WalkOptions } from "../../store/ports/user-files.js";
import { errorCodeOf } from "../engine-error.js";
import { kindOf, kindWord } from "../local-files/local-file-errors.js";
import { readPartName } from "./part-names.js";
import { isOfProcess, problemOf } from "./problem-of.js";
import { identityText, ownDirectory, type StoreDirectory } from "./store-directory.js";
import { systemPath, textOfName } from "./system-path.js";
import { isGone } from "./target-folders.js";
import { inOwnDirectory, userReadError } from "./user-read-error.js";

interface Walk extends WalkOptions {
  readonly root: string;
  readonly own: StoreDirectory;
}

/** Walks over the entries below a directory. @throws ArtifactError as `UserFiles.walk` does */
export async function* walkUserFolder(
  root: string,
  options: WalkOptions,
  own: StoreDirectory,
): AsyncGenerator<WalkedEntry, void, undefined> {
  if (own.contains(root)) throw inOwnDirectory(root);
  try {
    await readdir(systemPath(root)); // `walkFolder` would only report the problem
  } catch (error) {
    throw userReadError(root, error);
  }
  yield* walkFolder({ ...options, root, own }, "", []);
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
    if (walk.own.identities.has(identity)) return { kind: "skipped", name, is: "store", what: ownDirectory };
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
  const path = join(walk.root, name);
  let isSymlink = entry.isSymbolicLink();
  try {
    if (!isSymlink) isSymlink = (await lstat(systemPath(path))).isSymbolicLink(); // some systems tell no kinds in a listing
    if (isSymlink && !walk.follow) return { is: "symlink", what: "a symlink" };
    return await kindOfTarget(walk, path, isSymlink);
  } catch (error) {
    if (isOfProcess(error)) throw error;
    if (isSymlink && (isGone(error) || errorCodeOf(error) === "EACCES")) {
      return { is: "symlink", what: "a symlink that leads to no file" };
    }
    return isGone(error) ? undefined : "file"; // to read it says why it cannot be read
  }
}

async function kindOfTarget(walk: Walk, path: string, isSymlink: boolean): Promise<"file" | "folder" | Skipped> {
  const target = await stat(systemPath(path));
  if (isSymlink && walk.own.contains(path)) return { is: "symlink", what: `a symlink into ${ownDirectory}` };
  if (target.isFile()) return "file";
  return target.isDirectory() ? "folder" : { is: kindWord(target), what: kindOf(target) };
}

/** Device and inode of a directory. */
async function identityOf(path: string): Promise<string> {
  return identityText(await stat(systemPath(path), { bigint: true }));
}
