import type { BigIntStats, Stats } from "node:fs";
import { dirname } from "node:path";
import { ArtifactError, type NextStep } from "../../store/model/errors.js";
import type { SkippedKind } from "../../store/ports/user-files.js";
import { errorCodeOf, toArtifactError } from "../engine-error.js";
import { quotePath } from "./quote-path.js";

/** The longest name that most file systems take. */
export const maxNameBytes = 255;

interface InvalidPathOptions extends ErrorOptions {
  readonly next?: NextStep;
}

export function invalidPath(message: string, options: InvalidPathOptions = {}): ArtifactError {
  return new ArtifactError("invalid_argument", message, { ...options, details: { argument: "path" } });
}

export function directoryError(requested: string): ArtifactError {
  return invalidPath(`${quotePath(requested)} is a directory, not a file: give the path of a file in it.`);
}

export function notDirectory(requested: string): ArtifactError {
  const message = `${quotePath(requested)} is no directory, and one is needed there. Nothing was written.`;
  return invalidPath(message, { next: "export_elsewhere" });
}

export function nameTaken(requested: string, cause?: unknown): ArtifactError {
  const message = `${quotePath(requested)} exists already. Nothing was written.`;
  return invalidPath(message, { next: "export_elsewhere", cause });
}

/** The kind of an entry that is not a regular file, like `a socket`. */
export function kindOf(stats: Stats | BigIntStats): string {
  if (stats.isFIFO()) return "a FIFO (named pipe)";
  if (stats.isSocket()) return "a socket";
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return "a device";
  return stats.isSymbolicLink() ? "a symlink that leads to no file" : "something else";
}

/** The same as one word for programs. */
export function kindWord(stats: Stats | BigIntStats): SkippedKind {
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return "device";
  return stats.isSymbolicLink() ? "symlink" : "other";
}

/** The error of a failed `open()` for the caller, with the system's error as its cause. */
export function readError(requested: string, cause: unknown): ArtifactError {
  if (cause instanceof ArtifactError) return cause;
  const path = quotePath(requested);
  switch (errorCodeOf(cause)) {
    case "ENOENT":
    case "ENOTDIR":
      return invalidPath(`There is no file ${path}: check the path.`, { cause });
    case "ELOOP":
      return invalidPath(`${path} is a symlink that leads to no file: give the path of a regular file.`, { cause });
    case "EACCES":
    case "EPERM":
      return invalidPath(`This server may not read ${path}: make it readable for the user that runs the server.`, {
        cause,
      });
    case "ENXIO":
    case "ENODEV":
      return invalidPath(`${path} is a socket or a device, not a file: give the path of a regular file.`, { cause });
    case "ENAMETOOLONG":
      return invalidPath(`There is no file ${path}, because its name is too long: check the path.`, { cause });
    default:
      return toArtifactError(cause);
  }
}

/** The error of a failed `create()` or of its target for the caller, with the system's error as its cause. */
export function writeError(requested: string, cause: unknown): ArtifactError {
  if (cause instanceof ArtifactError) return cause;
  const path = quotePath(requested);
  const parent = quotePath(dirname(requested));
  switch (errorCodeOf(cause)) {
    case "ENOENT":
    case "ENOTDIR":
    case "ELOOP":
      return invalidPath(
        `There is no directory ${parent}. Nothing was written: create it first, or give a path in another directory.`,
        { cause },
      );
    case "EACCES":
    case "EPERM":
    case "EROFS": {
      const message = `This server may not write in ${parent}. Nothing was written.`;
      return invalidPath(message, { next: "export_elsewhere", cause });
    }
    case "ENAMETOOLONG":
      return invalidPath(
        `The file name in ${path} is too long. Nothing was written: give a name of at most ${maxNameBytes} bytes.`,
        { cause },
      );
    case "EINVAL":
      return invalidPath(`The file system does not take the name ${path}. Nothing was written: give another name.`, {
        cause,
      });
    case "EISDIR":
    case "ENOTEMPTY":
      return directoryError(requested);
    case "ENOSPC":
    case "EDQUOT":
      return noRoom(requested, `There is no room for this file in ${parent}. Nothing was written there.`, cause);
    case "EFBIG":
      return noRoom(requested, `A file in ${parent} cannot be this large (EFBIG). Nothing was written there.`, cause);
    default:
      return toArtifactError(cause);
  }
}

function noRoom(requested: string, message: string, cause: unknown): ArtifactError {
  return new ArtifactError("storage_full", message, { next: "export_elsewhere", details: { path: requested }, cause });
}
