import { constants, type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { platform } from "node:os";
import nodePath, { basename, dirname, join, relative, resolve, sep } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import { codeOf } from "../engine-error.js";
import { orElse } from "../file-system.js";
import { isInside, pathNotAllowed, show } from "./path-rules.js";

/** As many symlinks in one path as Linux follows. */
const maxLinks = 40;

/** What one call may reach. */
export interface Bounds {
  /** The path as the caller gave it, for errors. */
  readonly asked: string;
  readonly allowed: readonly string[];
  /** The store's own data directory: nothing in it is reached, whatever is allowed. */
  readonly forbidden: string;
}

/** Where something really is, and which allowed directory, by its real path, it is in. */
export interface Place {
  readonly path: string;
  readonly base: string;
}

/**
 * The real path of what `path` names, or would name: what is missing or barred at its end stays as it is written, and
 * symlinks that lead to nothing are followed too, so that where they lead is judged whether or not it exists.
 */
export async function locate(path: string, links = { left: maxLinks }): Promise<string> {
  const real = await unlessBarred(() => realpath(path));
  if (real !== undefined) return real;
  const parent = dirname(path);
  if (parent === path) return path;
  const folder = await locate(parent, links);
  const place = join(folder, basename(path));
  const target = await unlessBarred(() => readlink(place));
  if (target === undefined || links.left === 0) return place;
  links.left -= 1;
  return locate(resolve(folder, target), links);
}

/** @throws ArtifactError `path_not_allowed`; `invalid_argument` for an allowed directory itself */
export async function judge(path: string, { asked, allowed, forbidden }: Bounds): Promise<Place> {
  const base = await baseOf(path, allowed);
  if (base === undefined) throw pathNotAllowed(asked, allowed);
  if (isInside(nodePath, await locate(forbidden), path)) {
    const message = `The path ${show(asked)} leads into the store's own data, which is read and written as artifacts only.`;
    throw new ArtifactError("path_not_allowed", message, { next: "use_allowed_path", details: { path: asked } });
  }
  if (path === base) throw directoryGiven(asked);
  return { path, base };
}

/** A directory that is missing allows nothing. */
async function baseOf(path: string, allowed: readonly string[]): Promise<string | undefined> {
  for (const directory of allowed) {
    const base = await unlessBarred(() => realpath(directory));
    if (base !== undefined && isInside(nodePath, base, path)) return base;
  }
  return undefined;
}

export function directoryGiven(asked: string): ArtifactError {
  const message = `${show(asked)} is a directory, and a file is needed: give the path of a file in it.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "path" } });
}

/** A directory in which files are named. */
export interface Folder {
  /** A path to what has this name in it. */
  at(name: string): string;
  /** Whether an open file is below the allowed directory, where the system can tell. */
  holds(file: FileHandle): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Opens the directory of a place that was judged. On Linux it is reached from the allowed directory a descriptor at a
 * time, and its files through the last one: whoever swaps a directory for a symlink meanwhile, no call goes elsewhere.
 * Where the system has no such paths, files are named by their real path, and `confirm` alone keeps them inside.
 */
export async function openFolder({ path, base }: Place): Promise<Folder> {
  const folder = dirname(path);
  const plain: Folder = { at: (name) => join(folder, name), holds: async () => true, close: async () => {} };
  if (platform() !== "linux") return plain;
  let held = await open(base, directoryOnly);
  try {
    const root = await unlessBarred(() => readlink(descriptorPath(held)));
    if (root === undefined) {
      await held.close();
      return plain;
    }
    for (const name of relative(base, folder)
      .split(sep)
      .filter((name) => name !== "")) {
      const above = held;
      held = await open(join(descriptorPath(above), name), directoryOnly);
      await above.close();
    }
    return {
      at: (name) => join(descriptorPath(held), name),
      holds: async (file) => isInside(nodePath, root, await readlink(descriptorPath(file))),
      close: () => held.close(),
    };
  } catch (error) {
    await held.close();
    throw error;
  }
}

/** O_PATH, which Node does not name: a directory that may be passed, though not listed, will do. */
const pathOnly = 0o10000000;
const directoryOnly = pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function descriptorPath(file: FileHandle): string {
  return `/proc/self/fd/${file.fd}`;
}

/**
 * Looks again, with the file open: its path must still lead inside, and to this very file.
 *
 * @throws ArtifactError `path_not_allowed`; `invalid_argument` where it is another file by now
 */
export async function confirm(file: FileHandle, path: string, folder: Folder, bounds: Bounds): Promise<void> {
  await judge(await locate(path), bounds);
  const found = await orElse(["ENOENT", "ENOTDIR", "ELOOP", "EACCES"], () => stat(path, { bigint: true }), undefined);
  const opened = await file.stat({ bigint: true });
  const isSame = found !== undefined && found.dev === opened.dev && found.ino === opened.ino;
  if (isSame && (await folder.holds(file))) return;
  const message = `${show(bounds.asked)} was moved or replaced by somebody else during this call. Nothing was stored or written.`;
  throw new ArtifactError("invalid_argument", message, { next: "call_again", details: { argument: "path" } });
}

/** Undefined where the system says no, whatever the reason; what the process itself lacks is an error. */
async function unlessBarred<Result>(look: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await look();
  } catch (error) {
    if (["EMFILE", "ENFILE", "ENOMEM", undefined].includes(codeOf(error))) throw error;
    return undefined;
  }
}
