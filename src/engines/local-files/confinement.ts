import { type FileHandle, readlink, realpath, stat } from "node:fs/promises";
import nodePath, { basename, dirname, join, resolve } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import { errorCodeOf } from "../engine-error.js";
import { ignoringErrno } from "../file-system.js";
import type { Folder } from "./folder.js";
import { directoryError, invalidPath } from "./local-file-errors.js";
import { isInside, pathNotAllowed } from "./path-rules.js";
import { quotePath } from "./quote-path.js";

/** Linux follows as many symlinks in one path. */
const maxSymlinks = 40;

/** The path that one call asks for, and what the call may reach. */
export interface PathRequest {
  /** The path as the caller gave it, absolute. Errors show this path. */
  readonly requested: string;
  readonly allowed: readonly string[];
  /** The store's own data directory. Nothing in it may be reached, even if an allowed directory contains it. */
  readonly forbidden: string;
}

export interface AuthorizedPath {
  /** The real path. */
  readonly path: string;
  /** The allowed directory that it is in, also as a real path. */
  readonly base: string;
}

/**
 * The real path of the entry that `path` names or would name. A part at its end that is missing or not accessible stays
 * as it is written. A symlink that leads to nothing is followed too, so that its target is authorized whether or not it
 * exists.
 */
export async function resolvePath(path: string, symlinks = { left: maxSymlinks }): Promise<string> {
  const real = await ignoringSystemErrors(() => realpath(path));
  if (real !== undefined) return real;
  const parent = dirname(path);
  if (parent === path) return path;
  const folder = await resolvePath(parent, symlinks);
  const entry = join(folder, basename(path));
  const target = await ignoringSystemErrors(() => readlink(entry));
  if (target === undefined || symlinks.left === 0) return entry;
  symlinks.left -= 1;
  return resolvePath(resolve(folder, target), symlinks);
}

/**
 * Checks that a real path is in an allowed directory.
 *
 * @throws ArtifactError `path_not_allowed`; `invalid_argument` for an allowed directory itself
 */
export async function authorize(path: string, request: PathRequest): Promise<AuthorizedPath> {
  const authorized = await authorizeFolder(path, request);
  if (path === authorized.base) throw directoryError(request.requested);
  return authorized;
}

/** Checks that a real path is an allowed directory or in one. @throws ArtifactError `path_not_allowed` */
export async function authorizeFolder(path: string, request: PathRequest): Promise<AuthorizedPath> {
  const { requested, allowed, forbidden } = request;
  const base = await baseOf(path, allowed);
  if (base === undefined) throw pathNotAllowed(requested, allowed);
  if (isInside(nodePath, await resolvePath(forbidden), path)) {
    const message = `The path ${quotePath(requested)} leads into the store's own data, which can only be read and written as artifacts.`;
    const details = { path: requested };
    throw new ArtifactError("path_not_allowed", message, { next: "use_allowed_path", details });
  }
  return { path, base };
}

/** The real path of the allowed directory that `path` is in. An allowed directory that is missing allows nothing. */
async function baseOf(path: string, allowed: readonly string[]): Promise<string | undefined> {
  for (const directory of allowed) {
    const base = await ignoringSystemErrors(() => realpath(directory));
    if (base !== undefined && isInside(nodePath, base, path)) return base;
  }
  return undefined;
}

/**
 * Checks a path again while the file is open: it must still lead into an allowed directory, and to this same file.
 *
 * @throws ArtifactError `path_not_allowed`; `invalid_argument` if the path leads to another file now
 */
export async function recheck(file: FileHandle, path: string, folder: Folder, request: PathRequest): Promise<void> {
  await authorize(await resolvePath(path), request);
  const look = () => stat(path, { bigint: true });
  const found = await ignoringErrno(["ENOENT", "ENOTDIR", "ELOOP", "EACCES"], look, undefined);
  const opened = await file.stat({ bigint: true });
  const isSame = found !== undefined && found.dev === opened.dev && found.ino === opened.ino;
  if (isSame && (await folder.contains(file))) return;
  throw movedError(request.requested);
}

export function movedError(requested: string, cause?: unknown): ArtifactError {
  const message = `${quotePath(requested)} was moved or replaced by another program during this call. Nothing was stored or written.`;
  return invalidPath(message, { next: "call_again", cause });
}

/**
 * Returns undefined if the system refuses the call for any reason.
 *
 * @throws Error if the process itself lacks something, like memory or file descriptors
 */
export async function ignoringSystemErrors<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await call();
  } catch (error) {
    if (["EMFILE", "ENFILE", "ENOMEM", undefined].includes(errorCodeOf(error))) throw error;
    return undefined;
  }
}
