import nodePath from "node:path";
import type { LocalFiles } from "../../store/ports/local-files.js";
import { translatingMethods } from "../engine-error.js";
import type { PathRequest } from "./confinement.js";
import { createLocalTarget } from "./create-local-target.js";
import { listLocalFolder } from "./list-local-folder.js";
import { makeLocalFolder } from "./make-local-folder.js";
import { openLocalFile } from "./open-local-file.js";
import { checkFolderPath, checkPath } from "./path-rules.js";

/**
 * The files of this machine. Each call reaches only the directories that it allows.
 *
 * @param forbidden the store's own data directory, absolute; nothing in it is opened or created
 */
export function createLocalFiles({ forbidden }: { readonly forbidden: string }): LocalFiles {
  const requestFor = (path: string, allowed: readonly string[]): PathRequest => ({
    requested: checkPath(nodePath, path, allowed),
    allowed,
    forbidden,
  });
  const folderRequestFor = (path: string, allowed: readonly string[]): PathRequest => ({
    requested: checkFolderPath(nodePath, path, allowed),
    allowed,
    forbidden,
  });
  return translatingMethods<LocalFiles>({
    open: async (path, allowed) => openLocalFile(requestFor(path, allowed)),
    create: async (path, allowed, overwrite) => createLocalTarget(requestFor(path, allowed), overwrite),
    list: async (path, allowed) => listLocalFolder(folderRequestFor(path, allowed)),
    makeFolder: async (path, allowed, names, overwrite) =>
      makeLocalFolder(folderRequestFor(path, allowed), names, overwrite),
  });
}
