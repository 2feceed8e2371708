import type { BigIntStats, Dirent } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import { compareKeys } from "../../store/model/key-order.js";
import { maxFolderEntries } from "../../store/model/limits.js";
import type { ListedFile, LocalFolder, SkippedEntry } from "../../store/ports/local-files.js";
import { errorCodeOf } from "../engine-error.js";
import { ignoringErrno } from "../file-system.js";
import {
  type AuthorizedPath,
  authorizeFolder,
  ignoringSystemErrors,
  movedError,
  type PathRequest,
  resolvePath,
} from "./confinement.js";
import { type Folder, openFolder, openFolderAt } from "./folder.js";
import { invalidPath, kindOf, readError } from "./local-file-errors.js";
import { quotePath } from "./quote-path.js";

/** Directories below the listed one, each in the one before. */
const maxDepth = 64;

const goneErrnos = ["ENOENT", "ENOTDIR", "ELOOP"];

/** Lists the files below a directory. @throws ArtifactError as `LocalFiles.list` */
export async function listLocalFolder(request: PathRequest): Promise<LocalFolder | undefined> {
  const authorized = await authorizeFolder(await resolvePath(request.requested), request);
  const found = await ignoringSystemErrors(() => lookAt(authorized)); // opening it as a file says what is wrong
  if (found?.isDirectory() !== true) return undefined;
  const walk: Walk = { request, files: [], skipped: [], entries: 0 };
  await walkDirectory(walk, "", authorized, []);
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => compareKeys(a.name, b.name);
  return { path: authorized.path, files: walk.files.sort(byName), skipped: walk.skipped.sort(byName) };
}

/** What one listing has found so far. */
interface Walk {
  readonly request: PathRequest;
  readonly files: ListedFile[];
  readonly skipped: SkippedEntry[];
  entries: number;
}

/** An entry of the directory that is being read. */
interface FoundEntry {
  /** Relative to the listed directory. */
  readonly name: string;
  readonly request: PathRequest;
  /** Its path below the open directory. */
  readonly path: string;
}

/**
 * @param name relative to the listed directory; empty for that one itself
 * @param above the identities of the directories on the way to this one
 */
async function walkDirectory(
  walk: Walk,
  name: string,
  authorized: AuthorizedPath,
  above: readonly string[],
): Promise<void> {
  if (above.length > maxDepth) {
    const message = `${quotePath(walk.request.requested)} has more than ${maxDepth} directories in one another: give the path of one that is further down.`;
    throw invalidPath(message);
  }
  const read = await readDirectory(walk, name, authorized, above);
  for (const directory of read.directories) await enterDirectory(walk, directory, [...above, read.identity]);
}

interface ReadDirectory {
  /** Device and inode. */
  readonly identity: string;
  /** The names of the directories in it, relative to the listed directory. */
  readonly directories: readonly string[];
}

/** Takes the files of one directory. It is closed again when this resolves, because a process may open few files. */
async function readDirectory(
  walk: Walk,
  name: string,
  authorized: AuthorizedPath,
  above: readonly string[],
): Promise<ReadDirectory> {
  const request = requestFor(walk, name);
  try {
    const folder = await openFolderAt(authorized);
    try {
      const identity = identityOf(await stat(folder.pathOf("."), { bigint: true }));
      if (above.includes(identity)) {
        skip(walk, name, "a symlink to a directory that contains it");
        return { identity, directories: [] };
      }
      const directories = await readEntries(walk, name, folder);
      await recheckFolder(request, folder, identity);
      return { identity, directories };
    } finally {
      await folder.close();
    }
  } catch (error) {
    const isGone = goneErrnos.includes(errorCodeOf(error) ?? "");
    throw isGone ? movedError(request.requested, error) : readError(request.requested, error);
  }
}

/** Reads an open directory, and returns the names of the directories in it. */
async function readEntries(walk: Walk, name: string, folder: Folder): Promise<string[]> {
  const directories: string[] = [];
  const entries = (await opendir(folder.pathOf("."), { encoding: "buffer" as BufferEncoding })) as AsyncIterable<
    Dirent<Buffer>
  >;
  for await (const { name: bytes } of entries) {
    walk.entries += 1;
    if (walk.entries > maxFolderEntries) throw tooMany(walk.request);
    const own = bytes.toString();
    const entry = name === "" ? own : `${name}/${own}`;
    if (!Buffer.from(own).equals(bytes)) {
      walk.files.push({ name: entry, bytes: 0, problem: "its name is not UTF-8" });
      continue;
    }
    const isDirectory = await takeEntry(walk, {
      name: entry,
      request: requestFor(walk, entry),
      path: folder.pathOf(own),
    });
    if (isDirectory) directories.push(entry);
  }
  return directories;
}

/** Lists a file, or skips what is none. Returns whether the entry is a directory, or a symlink to one. */
async function takeEntry(walk: Walk, { name, request, path }: FoundEntry): Promise<boolean> {
  const found = await ignoringErrno(["ENOENT"], () => lstat(path, { bigint: true }), undefined);
  if (found === undefined) return false; // removed since the directory was read
  const target = found.isSymbolicLink() ? await targetOf(request) : found;
  if (typeof target === "string") skip(walk, name, target);
  else if (target.isDirectory()) return true;
  else if (target.isFile()) walk.files.push({ name, bytes: Number(target.size) });
  else skip(walk, name, kindOf(target));
  return false;
}

/** What a symlink leads to; a text if that cannot be imported. */
async function targetOf(request: PathRequest): Promise<BigIntStats | string> {
  const authorized = await ifAllowed(request);
  if (authorized === undefined) return "a symlink to a place that is not allowed";
  const found = await ignoringErrno([...goneErrnos, "ENAMETOOLONG"], () => lookAt(authorized), undefined);
  return found === undefined || found.isSymbolicLink() ? "a symlink that leads to no file" : found;
}

async function enterDirectory(walk: Walk, name: string, above: readonly string[]): Promise<void> {
  const authorized = await ifAllowed(requestFor(walk, name));
  if (authorized === undefined) skip(walk, name, "a directory that is not allowed");
  else await walkDirectory(walk, name, authorized, above);
}

/** Returns undefined if the path leads to where the call may not go. */
async function ifAllowed(request: PathRequest): Promise<AuthorizedPath | undefined> {
  try {
    return await authorizeFolder(await resolvePath(request.requested), request);
  } catch (error) {
    if (error instanceof ArtifactError && error.code === "path_not_allowed") return undefined;
    throw error;
  }
}

/** Checks that the directory that was read is the one that its path leads to. @throws ArtifactError */
async function recheckFolder(request: PathRequest, folder: Folder, identity: string): Promise<void> {
  const { path } = await authorizeFolder(await resolvePath(request.requested), request);
  const found = await ignoringErrno([...goneErrnos, "EACCES"], () => stat(path, { bigint: true }), undefined);
  const isSame = found !== undefined && identityOf(found) === identity;
  if (!isSame || !(await folder.isInPlace())) throw movedError(request.requested);
}

/** The stats of the entry at an authorized path, which has no symlink left. */
export async function lookAt(authorized: AuthorizedPath): Promise<BigIntStats> {
  const { path, base } = authorized;
  const isBase = path === base;
  const folder = await (isBase ? openFolderAt(authorized) : openFolder(authorized));
  try {
    if (isBase) return await stat(folder.pathOf("."), { bigint: true });
    return await lstat(folder.pathOf(basename(path)), { bigint: true });
  } finally {
    await folder.close();
  }
}

function requestFor({ request }: Walk, name: string): PathRequest {
  return { ...request, requested: join(request.requested, name) };
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function skip({ skipped }: Walk, name: string, kind: string): void {
  skipped.push({ name, kind });
}

function tooMany({ requested }: PathRequest): ArtifactError {
  const message = `${quotePath(requested)} has more than ${maxFolderEntries} files and directories in it. Nothing was stored: import the directories in it one by one, or make an archive first.`;
  return invalidPath(message);
}
