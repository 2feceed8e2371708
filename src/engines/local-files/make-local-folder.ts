import type { BigIntStats } from "node:fs";
import { mkdir } from "node:fs/promises";
import nodePath, { basename, dirname, join } from "node:path";
import type { ArtifactError } from "../../store/model/errors.js";
import { maxFolderEntries } from "../../store/model/limits.js";
import { ignoringErrno } from "../file-system.js";
import { authorize, authorizeFolder, type PathRequest, resolvePath } from "./confinement.js";
import { checkName, syncNames } from "./create-local-target.js";
import { checkFileNames } from "./file-names.js";
import { openFolder, openFolderAt } from "./folder.js";
import { lookAt } from "./list-local-folder.js";
import { invalidPath, notDirectory, writeError } from "./local-file-errors.js";
import { quotePath } from "./quote-path.js";

/** Makes a directory, and in it the directories of the named files. @throws ArtifactError as `LocalFiles.makeFolder` */
export async function makeLocalFolder(
  request: PathRequest,
  names: readonly string[],
  overwrite: boolean,
): Promise<string> {
  checkFileNames(nodePath, request.requested, names);
  const missing: PathRequest[] = [];
  for (const [directory, files] of filesByDirectory(request.requested, names)) {
    const place = { ...request, requested: join(request.requested, directory) };
    if (!(await checkDirectory(place, files, overwrite))) missing.push(place);
  }
  for (const place of missing) await makeDirectory(place);
  return resolvePath(request.requested);
}

/**
 * The names of the files in each directory, with the directories above them. A directory comes after those above it.
 *
 * @throws ArtifactError `invalid_argument` if there are too many directories: one long name can need hundreds
 */
function filesByDirectory(requested: string, names: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>([["", []]]);
  for (const name of names) {
    const segments = name.split("/");
    const file = segments.pop() ?? "";
    let directory = "";
    for (const segment of segments) {
      directory = join(directory, segment);
      if (!found.has(directory)) found.set(directory, []);
      if (found.size > maxFolderEntries) throw tooMany(requested);
    }
    found.get(directory)?.push(file);
  }
  return found;
}

/**
 * Checks a directory that may exist, and the names in it. Returns whether it exists.
 *
 * @throws ArtifactError `path_not_allowed`; `invalid_argument` if there is something else, or a name is taken
 */
async function checkDirectory(place: PathRequest, files: readonly string[], overwrite: boolean): Promise<boolean> {
  const { requested } = place;
  const authorized = await authorizeFolder(await resolvePath(requested), place);
  try {
    const missing = ["ENOENT", "ENOTDIR"]; // if a directory above it is a file, the check of that one has failed
    const found = await ignoringErrno<BigIntStats, undefined>(missing, () => lookAt(authorized), undefined);
    if (found === undefined) return false;
    if (!found.isDirectory()) throw notDirectory(requested);
    const folder = await openFolderAt(authorized);
    try {
      for (const name of files) await checkName(folder.pathOf(name), join(requested, name), overwrite);
    } finally {
      await folder.close();
    }
    return true;
  } catch (error) {
    throw writeError(requested, error);
  }
}

/** Makes a directory, unless it was made meanwhile, and syncs its name. */
async function makeDirectory(place: PathRequest): Promise<void> {
  const { requested } = place;
  const authorizePath = async () => authorize(join(await resolvePath(dirname(requested)), basename(requested)), place);
  const authorized = await authorizePath();
  try {
    const folder = await openFolder(authorized);
    try {
      await ignoringErrno(["EEXIST"], () => mkdir(folder.pathOf(basename(requested))), undefined);
      await syncNames(folder);
    } finally {
      await folder.close();
    }
  } catch (error) {
    await authorizePath(); // if the path leads outside now, the error must say only that
    throw writeError(requested, error);
  }
  // What had the name already may be no directory, or a symlink.
  const made = await authorizeFolder(await resolvePath(requested), place);
  const found = await ignoringErrno(["ENOENT", "ENOTDIR", "ELOOP"], () => lookAt(made), undefined);
  if (found?.isDirectory() !== true) throw notDirectory(requested);
}

function tooMany(requested: string): ArtifactError {
  const message = `${quotePath(requested)} would get more than ${maxFolderEntries} directories. Nothing was written: export the folders in it one by one.`;
  return invalidPath(message);
}
