import { lstat, open, rmdir, stat, unlink } from "node:fs/promises";
import { platform } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Log } from "../../store/ports/log.js";
import type { Comparison, FoundPlace, SmallRead, UserFiles, WriteResult } from "../../store/ports/user-files.js";
import { errorCodeOf, toArtifactError, translatingMethods } from "../engine-error.js";
import { ignoringErrno } from "../file-system.js";
import { kindOf } from "../local-files/local-file-errors.js";
import { localFileOf } from "../local-files/open-local-file.js";
import { createResumableFile } from "./create-resumable-file.js";
import { orUndefined } from "./leftover-parts.js";
import { newPartName } from "./part-names.js";
import { isOfProcess, problemOf } from "./problem-of.js";
import { SmallFileThreads } from "./small-file-threads.js";
import { ownDirectory, StoreDirectory } from "./store-directory.js";
import { systemPath } from "./system-path.js";
import { TargetFolders } from "./target-folders.js";
import { inOwnDirectory, userReadError } from "./user-read-error.js";
import { walkUserFolder } from "./walk-user-folder.js";

/**
 * The files of the person who runs a command.
 *
 * @param forbidden the store's own directory, absolute: nothing in it is walked over or written
 */
export function createUserFiles(forbidden: string, log: Log): UserFiles {
  const threads = new SmallFileThreads(log);
  const own = new StoreDirectory(forbidden);
  const folders = new TargetFolders(own);
  const methods = translatingMethods<Omit<UserFiles, "walk">>({
    look: (path) => lookAt(path, own),
    open: (path) => openUserFile(path, own),
    async readSmall(paths, maxBytes) {
      return (await threads.ask({ kind: "read", paths, maxBytes, own: own.identities })) as SmallRead[];
    },
    compare: async (files) => (await threads.ask({ kind: "compare", files })) as Comparison[],
    makeFolder: (path, top) => folders.enter(path, top),
    async writeSmall(files, overwrite) {
      const whole = files.map(({ path, bytes, sha256 }) => {
        folders.noteChange(path);
        return { path, part: join(dirname(path), newPartName(basename(path), sha256)), bytes };
      });
      return (await threads.ask({ kind: "write", files: whole, overwrite })) as WriteResult[];
    },
    begin: (file, overwrite) => createResumableFile(folders, file, overwrite),
    removeLeftovers: (path) => folders.removeLeftovers(path),
    remove: (folder, name) => removeFile({ folders, own }, folder, name),
    finish: () => folders.finish(),
    foldsCase,
    close: () => threads.close(),
  });
  return {
    ...methods,
    async *walk(folder, options) {
      try {
        yield* walkUserFolder(folder, options, own);
      } catch (error) {
        throw toArtifactError(error);
      }
    },
  };
}

async function lookAt(path: string, own: StoreDirectory): Promise<FoundPlace | undefined> {
  if (own.contains(path)) return { kind: "other", what: `a part of ${ownDirectory}`, bytes: 0 };
  try {
    const found = await stat(systemPath(path));
    if (found.isDirectory()) return { kind: "folder", what: "a folder", bytes: 0 };
    if (found.isFile()) return { kind: "file", what: "a file", bytes: found.size };
    return { kind: "other", what: kindOf(found), bytes: 0 };
  } catch (error) {
    if (isOfProcess(error)) throw error;
    if (["ENOENT", "ENOTDIR"].includes(errorCodeOf(error) ?? "")) return undefined;
    return { kind: "other", what: `a path that leads nowhere (${problemOf(error)})`, bytes: 0 };
  }
}

async function openUserFile(path: string, own: StoreDirectory) {
  try {
    if (own.contains(path)) throw inOwnDirectory(path);
    const file = await open(systemPath(path), "r");
    try {
      return await localFileOf(file, path);
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    throw userReadError(path, error);
  }
}

interface Removal {
  readonly folders: TargetFolders;
  readonly own: StoreDirectory;
}

/** Removes a file, and the directories above it that are empty then. Returns why not, if it could not. */
async function removeFile({ folders, own }: Removal, folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  if (own.contains(dirname(path))) return `it is in ${ownDirectory}`;
  try {
    await ignoringErrno(["ENOENT"], () => unlink(systemPath(path)), undefined);
  } catch (error) {
    if (isOfProcess(error)) throw error;
    return problemOf(error);
  }
  folders.noteChange(path);
  for (let above = dirname(path); above.length > folder.length; above = dirname(above)) {
    const removed = await orUndefined(() => rmdir(systemPath(above)).then(() => true));
    if (removed === undefined) return undefined; // something else is in the folder, or the system keeps it
    folders.forget(above);
    folders.noteChange(above);
  }
  return undefined;
}

/** Looks at a directory by a name in the other case. If that cannot tell, the system's usual file system does. */
async function foldsCase(folder: string): Promise<boolean> {
  const usual = platform() === "darwin" || platform() === "win32";
  const name = basename(folder);
  const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
  if (other === name) return usual;
  const look = (path: string) => orUndefined(() => lstat(systemPath(path)));
  const [found, again] = await Promise.all([look(folder), look(join(dirname(folder), other))]);
  if (found === undefined) return usual;
  return again !== undefined && again.ino === found.ino && again.dev === found.dev;
}
