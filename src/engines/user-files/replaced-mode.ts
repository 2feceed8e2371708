import { fchmodSync, lstatSync } from "node:fs";
import { platform } from "node:os";
import { errorCodeOf } from "../engine-error.js";
import { systemPath } from "./system-path.js";

/** What file systems without modes answer. */
const noModes = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/** The permissions of the regular file at a path, which one that replaces it keeps. Undefined if there is none. */
export function replacedMode(path: string): number | undefined {
  if (platform() === "win32") return undefined;
  const found = lstatSync(systemPath(path), { throwIfNoEntry: false });
  return found?.isFile() ? found.mode & 0o777 : undefined;
}

/** The permissions of a hidden file while it is written: nobody may read it who may not read the file it replaces. */
export function partMode(replaced: number | undefined): number {
  return replaced === undefined ? 0o666 : replaced | 0o600;
}

/** Gives an open file these permissions, where the file system has any. */
export function setMode(file: number, mode: number | undefined): void {
  if (mode === undefined) return;
  try {
    fchmodSync(file, mode);
  } catch (error) {
    if (!noModes.includes(errorCodeOf(error) ?? "")) throw error;
  }
}
