import type { Dirent } from "node:fs";
import { access, constants, readdir, rmdir, stat, unlink } from "node:fs/promises";
import nodePath, { basename, dirname, join } from "node:path";
import type { ArtifactError } from "../../store/model/errors.js";
import { compareKeys } from "../../store/model/key-order.js";
import type { ArchiveFolder, ArchiveFolders } from "../../store/ports/archive-folder.js";
import type { Log } from "../../store/ports/log.js";
import { claimByFile, removeClaimFile } from "../claim-file.js";
import { errorCodeOf, translatingMethods } from "../engine-error.js";
import { ignoringErrno } from "../file-system.js";
import { namingDisk, unreadableFolder } from "./archive-errors.js";
import { authorize, type PathRequest, resolvePath } from "./confinement.js";
import { createLocalTarget } from "./create-local-target.js";
import { openFolder } from "./folder.js";
import { invalidPath, notDirectory, writeError } from "./local-file-errors.js";
import { makeLocalFolder } from "./make-local-folder.js";
import { openLocalFile } from "./open-local-file.js";
import { checkFolderPath, checkPath } from "./path-rules.js";
import { quotePath } from "./quote-path.js";

/** The file that an export locks while it writes to its directory. No bucket can have this name. */
export const exportClaimFile = ".artifacts-mcp-export";

export interface ArchiveFoldersOptions {
  /** The store's own data directory, absolute; nothing in it is opened or created. */
  readonly forbidden: string;
  readonly log: Log;
}

export function createArchiveFolders(options: ArchiveFoldersOptions): ArchiveFolders {
  return { at: (path) => archiveFolder(path, options) };
}

function archiveFolder(given: string, { forbidden, log }: ArchiveFoldersOptions): ArchiveFolder {
  const path = checkFolderPath(nodePath, given, [given]);
  const allowed = [path];
  const requestFor = (name: string): PathRequest => ({
    requested: checkPath(nodePath, join(path, name), allowed),
    allowed,
    forbidden,
  });
  /** Directories that are known to exist. */
  const made = new Set<string>();

  async function makeFolderOf(name: string): Promise<void> {
    const above = dirname(name);
    if (made.has(above)) return;
    if (!made.has(".") && !(await isThere(path))) {
      await makeLocalFolder({ requested: path, allowed: [dirname(path)], forbidden }, [], false);
    }
    made.add(".");
    if (above !== ".") await makeLocalFolder({ requested: path, allowed, forbidden }, [name], true);
    made.add(above);
  }

  async function claim() {
    const request = requestFor(exportClaimFile);
    const { requested } = request;
    try {
      await makeFolderOf(exportClaimFile);
      await authorize(await resolvePath(requested), request);
      const lock = await claimByFile(requested, "writer", (error) =>
        log("warn", "export_not_locked", { path, error: String(error) }),
      );
      return lock && { release: () => removeClaimFile(requested, lock) };
    } catch (error) {
      throw writeError(requested, error);
    }
  }

  const methods = translatingMethods<ArchiveFolder>({
    path,
    claim,
    async list(check) {
      if (!(await isUsable(path))) return undefined;
      const names: string[] = [];
      await walkBelow(path, "", (found) => {
        check(found);
        for (const name of found) names.push(name);
      });
      return names.sort(compareKeys);
    },
    open: async (name) => openLocalFile(requestFor(name)),
    async create(name, overwrite) {
      const request = requestFor(name);
      await makeFolderOf(name);
      return namingDisk(path, await createLocalTarget(request, overwrite));
    },
    async remove(name) {
      made.clear();
      await removeFile(requestFor(name));
      for (let above = dirname(name); above !== "."; above = dirname(above)) {
        if (!(await removeIfEmpty(requestFor(above)))) return;
      }
    },
  });
  return namingDisk(path, methods);
}

async function isThere(path: string): Promise<boolean> {
  return (await ignoringErrno(["ENOENT"], () => stat(path), undefined)) !== undefined;
}

/** Whether the directory exists. @throws ArtifactError if it cannot be used, or cannot be made */
async function isUsable(path: string): Promise<boolean> {
  const found = await ignoringErrno(["ENOENT", "ENOTDIR"], () => stat(path), undefined);
  if (found !== undefined && !found.isDirectory()) throw notDirectory(path);
  const changed = found === undefined ? dirname(path) : path;
  try {
    await access(changed, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw errorCodeOf(error) === "ENOENT" ? missingAbove(path, error) : writeError(join(changed, "."), error);
  }
  return found !== undefined;
}

function missingAbove(path: string, cause: unknown): ArtifactError {
  const above = quotePath(dirname(path));
  return invalidPath(`${quotePath(path)} cannot be made: there is no directory ${above}. Make it first.`, { cause });
}

/**
 * Calls `take` with the names of the files in each directory, before it goes to those below.
 *
 * @param name of a directory, relative; empty for the first one
 */
async function walkBelow(path: string, name: string, take: (names: readonly string[]) => void): Promise<void> {
  const own = (entry: Dirent): string => (name === "" ? entry.name : `${name}/${entry.name}`);
  const entries = (await entriesOf(join(path, name))).filter((entry) => !ignored.includes(own(entry)));
  take(entries.filter((entry) => !entry.isDirectory()).map(own));
  for (const entry of entries) if (entry.isDirectory()) await walkBelow(path, own(entry), take);
}

/** Not of the files of an export. The directory of that name is in each new file system, and only root can read it. */
const ignored: readonly string[] = [exportClaimFile, "lost+found"];

async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await ignoringErrno(goneErrnos, () => readdir(path, { withFileTypes: true }), []);
  } catch (error) {
    if (!["EACCES", "EPERM", "EIO"].includes(errorCodeOf(error) ?? "")) throw error;
    throw unreadableFolder(path, error);
  }
}

const goneErrnos = ["ENOENT", "ENOTDIR"];

async function removeFile(request: PathRequest): Promise<void> {
  await inFolderOf(request, (path) => ignoringErrno(goneErrnos, () => unlink(path), undefined));
}

async function removeIfEmpty(request: PathRequest): Promise<boolean> {
  const isKept = ["ENOTEMPTY", "EEXIST", ...goneErrnos];
  let isRemoved = true;
  await inFolderOf(request, async (path) => {
    isRemoved = await ignoringErrno(isKept, () => rmdir(path).then(() => true), false);
  });
  return isRemoved;
}

/** Does something with the entry at a path, and never with what a symlink of that name leads to. */
async function inFolderOf(request: PathRequest, act: (path: string) => Promise<void>): Promise<void> {
  const { requested } = request;
  const authorized = await authorize(join(await resolvePath(dirname(requested)), basename(requested)), request);
  try {
    const folder = await openFolder(authorized);
    try {
      await act(folder.pathOf(basename(requested)));
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!goneErrnos.includes(errorCodeOf(error) ?? "")) throw writeError(requested, error);
  }
}
