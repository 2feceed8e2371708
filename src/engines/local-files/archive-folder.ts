import type { Dirent } from "node:fs";
import { access, constants, readdir, rmdir, stat, unlink } from "node:fs/promises";
import nodePath, { basename, dirname, join } from "node:path";
import type { ArtifactError } from "../../store/model/errors.js";
import { compareKeys } from "../../store/model/key-order.js";
import type { ArchiveFolder, ArchiveFolders } from "../../store/ports/archive-folder.js";
import { errorCodeOf, translatingMethods } from "../engine-error.js";
import { ignoringErrno } from "../file-system.js";
import { authorize, type PathRequest, resolvePath } from "./confinement.js";
import { createLocalTarget } from "./create-local-target.js";
import { openFolder } from "./folder.js";
import { invalidPath, notDirectory, writeError } from "./local-file-errors.js";
import { makeLocalFolder } from "./make-local-folder.js";
import { openLocalFile } from "./open-local-file.js";
import { checkFolderPath, checkPath } from "./path-rules.js";
import { quotePath } from "./quote-path.js";

/** @param forbidden the store's own data directory, absolute; nothing in it is opened or created */
export function createArchiveFolders({ forbidden }: { readonly forbidden: string }): ArchiveFolders {
  return { at: (path) => archiveFolder(path, forbidden) };
}

function archiveFolder(given: string, forbidden: string): ArchiveFolder {
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

  return translatingMethods<ArchiveFolder>({
    path,
    list: async () => ((await isUsable(path)) ? (await namesBelow(path, "")).sort(compareKeys) : undefined),
    open: async (name) => openLocalFile(requestFor(name)),
    async create(name, overwrite) {
      const request = requestFor(name);
      await makeFolderOf(name);
      return createLocalTarget(request, overwrite);
    },
    async remove(name) {
      made.clear();
      await removeFile(requestFor(name));
      for (let above = dirname(name); above !== "."; above = dirname(above)) {
        if (!(await removeIfEmpty(requestFor(above)))) return;
      }
    },
  });
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

/** @param name of a directory, relative; empty for the first one */
async function namesBelow(path: string, name: string): Promise<string[]> {
  const entries: Dirent[] = await readdir(join(path, name), { withFileTypes: true });
  const names: string[] = [];
  for (const entry of entries) {
    const own = name === "" ? entry.name : `${name}/${entry.name}`;
    if (entry.isDirectory()) for (const below of await namesBelow(path, own)) names.push(below);
    else names.push(own);
  }
  return names;
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
