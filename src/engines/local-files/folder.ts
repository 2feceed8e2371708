import { constants, type FileHandle, open, readlink } from "node:fs/promises";
import { platform } from "node:os";
import nodePath, { dirname, join, relative, sep } from "node:path";
import { type AuthorizedPath, ignoringSystemErrors } from "./confinement.js";
import { isInside } from "./path-rules.js";

/** An open directory. */
export interface Folder {
  /** A path to the entry with this name. */
  pathOf(name: string): string;
  /** Whether an open file is below the allowed directory; true if the system cannot tell. */
  contains(file: FileHandle): Promise<boolean>;
  /** Whether the open directory itself is still in the allowed directory; true if the system cannot tell. */
  isInPlace(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens the directory that an authorized path is in. */
export async function openFolder({ path, base }: AuthorizedPath): Promise<Folder> {
  return openFolderAt({ path: dirname(path), base });
}

/**
 * Opens the directory at an authorized path. On Linux each directory from the allowed one downwards is opened through
 * the descriptor of the one above it, and files are opened through the last descriptor. So no call goes elsewhere if
 * somebody replaces a directory by a symlink meanwhile. On systems without such paths, files are opened by their real
 * path, and only `recheck` keeps them inside.
 */
export async function openFolderAt({ path: folder, base }: AuthorizedPath): Promise<Folder> {
  const byPath: Folder = {
    pathOf: (name) => join(folder, name),
    contains: async () => true,
    isInPlace: async () => true,
    close: async () => {},
  };
  if (platform() !== "linux") return byPath;
  let opened = await open(base, directoryOnly);
  try {
    const root = await ignoringSystemErrors(() => readlink(descriptorPath(opened)));
    if (root === undefined) {
      await opened.close();
      return byPath;
    }
    const names = relative(base, folder).split(sep);
    for (const name of names.filter((part) => part !== "")) {
      const above = opened;
      opened = await open(join(descriptorPath(above), name), directoryOnly);
      await above.close();
    }
    const contains = async (file: FileHandle) => isInside(nodePath, root, await readlink(descriptorPath(file)));
    return {
      pathOf: (name) => join(descriptorPath(opened), name),
      contains,
      isInPlace: () => contains(opened),
      close: () => opened.close(),
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** O_PATH of Linux, which Node does not name. It needs the right to pass the directory, not the right to list it. */
const pathOnly = 0o10000000;
const directoryOnly = pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function descriptorPath(file: FileHandle): string {
  return `/proc/self/fd/${file.fd}`;
}
