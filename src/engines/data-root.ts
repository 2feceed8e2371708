import { access, constants, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DataDirectoryError, formatError, withDirectoryErrors } from "./data-directory-error.js";
import { dataFormat, readFormat } from "./disk/format-file.js";
import { errorCodeOf } from "./engine-error.js";
import { makeFolder } from "./file-system.js";

const usable = constants.R_OK | constants.W_OK | constants.X_OK;

/** Path of the database in a data directory. */
export const databaseIn = (root: string): string => join(root, "metadata.sqlite");

/**
 * Finds out what a start would find. Nothing is changed.
 *
 * @param isNamed as in `openDataDirectory`
 * @returns `store`, `empty` for a directory without a store, or `missing`
 * @throws DataDirectoryError if a start would fail
 */
export async function inspectDataDirectory(
  root: string,
  { isNamed = false }: { readonly isNamed?: boolean },
): Promise<"store" | "empty" | "missing"> {
  if (await findRoot(root, isNamed)) return (await hasStore(root)) ? "store" : "empty";
  const parent = await nearestFolder(dirname(root));
  await withDirectoryErrors(root, () => access(parent, constants.W_OK | constants.X_OK));
  return "missing";
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** Makes the directory if it is missing. @throws DataDirectoryError if it cannot be made or used */
export async function makeRoot(root: string, isNamed: boolean): Promise<void> {
  if (await findRoot(root, isNamed)) return;
  await withDirectoryErrors(root, () => makeFolder(root));
  await withDirectoryErrors(root, () => access(root, usable));
}

/**
 * Whether the directory exists.
 *
 * @param isNamed its parent must exist
 * @throws DataDirectoryError if it exists and cannot be used, or if its parent has to exist and does not
 */
export async function findRoot(root: string, isNamed: boolean): Promise<boolean> {
  const found = await withDirectoryErrors(root, () => stat(root).catch(ignoreMissing));
  if (found?.isDirectory()) {
    await withDirectoryErrors(root, () => access(root, usable));
    return true;
  }
  if (found !== undefined) {
    throw new DataDirectoryError(`The data directory ${root} is a file: give a directory.`);
  }
  const parent = dirname(root);
  if (isNamed && (await stat(parent).catch(ignoreMissing)) === undefined) {
    throw new DataDirectoryError(
      `The data directory ${root} cannot be made: ${parent} does not exist. Make it first, or give another data directory.`,
    );
  }
  return false;
}

/** Whether a directory contains a store. @throws DataDirectoryError if the store cannot be used */
export async function hasStore(root: string): Promise<boolean> {
  if (!(await hasFormat(root))) return false;
  const database = databaseIn(root);
  if (await hasContent(database)) return true;
  throw new DataDirectoryError(
    `${database} is missing or empty, although ${root} has held artifacts: restore it from a backup, or give another data directory.`,
  );
}

/** Whether the directory has the format of a store. @throws DataDirectoryError if it has another format */
async function hasFormat(root: string): Promise<boolean> {
  const found = await withDirectoryErrors(root, () => readFormat(root));
  if (found === undefined) return false;
  if (found.format !== dataFormat) throw formatError(root, found.format);
  return true;
}

async function hasContent(path: string): Promise<boolean> {
  const found = await stat(path).catch(ignoreMissing);
  return found !== undefined && (found.isDirectory() || found.size > 0);
}

function ignoreMissing(error: unknown): undefined {
  if (errorCodeOf(error) !== "ENOENT") throw error;
  return undefined;
}
