import { access, constants, open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BlobStore } from "../store/blob-store.js";
import type { LocalFiles } from "../store/local-files.js";
import type { Log } from "../store/log.js";
import { createDiskBlobStore } from "./disk-blob-store.js";
import { codeOf } from "./engine-error.js";
import { makeFolder, syncFolder, writeSynced } from "./file-system.js";
import { createLocalFiles } from "./local-files.js";
import { readSigningKey } from "./signing-key.js";
import { loadSqliteDriver, SqliteDriverError } from "./sqlite/driver.js";
import { type KeyvMetadataStore, openKeyvMetadataStore } from "./sqlite/keyv-metadata-store.js";

/** The layout of the data directory that this program reads and writes. */
export const dataFormat = "1";

export interface DataDirectory {
  readonly metadata: KeyvMetadataStore;
  readonly blobs: BlobStore;
  /** Of this machine, all but the data directory. */
  readonly files: LocalFiles;
  /** What URLs are signed with, made where there is none. @throws DataDirectoryError */
  signingKey(): Promise<Buffer>;
  close(): Promise<void>;
}

/** The data directory cannot be used; the message is one line that says what to do. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}

export interface OpenOptions {
  /** The person chose the root: its parent must be there, so that a mistyped path makes nothing. */
  readonly isNamed?: boolean;
  /** Nothing is made where there is no store yet. */
  readonly mustExist?: boolean;
}

/**
 * Opens a data directory, made where there is none; any number of processes may have it open.
 *
 * @throws DataDirectoryError
 */
export async function openDataDirectory(
  root: string,
  { isNamed = false, mustExist = false }: OpenOptions,
  log: Log,
): Promise<DataDirectory> {
  await loadSqliteDriver().catch((cause) => {
    throw cause instanceof SqliteDriverError ? new DataDirectoryError(cause.message, { cause }) : cause;
  });
  if (!mustExist) await makeRoot(root, isNamed);
  const isFormatted = await hasStore(root);
  if (mustExist && !isFormatted) {
    throw new DataDirectoryError(`There is no store in ${root}: give its directory with --root.`);
  }
  const database = databaseIn(root);
  await explained(root, () => makeFolder(join(root, "uploads")));
  await explained(root, () => makeFolder(join(root, "blobs")));
  if (!isFormatted) await explained(root, () => makeForOwner(database));
  const blobs = createDiskBlobStore(root, log);
  const metadata = await openMetadata(database, blobs, log);
  // Written last: a directory that has it has a database too.
  if (!isFormatted) await explained(root, () => writeFormat(root));
  const restored = blobs.restoreReserve(); // nobody has to wait for it
  const files = createLocalFiles({ forbidden: root });
  const signingKey = () => explained(root, () => readSigningKey(root));
  const close = async (): Promise<void> => {
    await restored;
    await metadata.close();
  };
  return { metadata, blobs, files, signingKey, close };
}

const databaseIn = (root: string): string => join(root, "metadata.sqlite");

/** Whether there is a store in a directory. @throws DataDirectoryError if there is one that cannot be used */
async function hasStore(root: string): Promise<boolean> {
  const isFormatted = await checkFormat(root);
  const database = databaseIn(root);
  if (!isFormatted || (await hasContent(database))) return isFormatted;
  throw new DataDirectoryError(
    `${database} is missing or empty, although ${root} has held artifacts: restore it from a backup, or give another --root.`,
  );
}

/**
 * What a start would find, without changing anything: a store, an empty directory, or none.
 *
 * @throws DataDirectoryError if it would end there
 */
export async function inspectDataDirectory(
  root: string,
  { isNamed = false }: OpenOptions,
): Promise<"store" | "empty" | "missing"> {
  if (await findRoot(root, isNamed)) return (await hasStore(root)) ? "store" : "empty";
  const parent = await nearestFolder(dirname(root));
  await explained(root, () => access(parent, constants.W_OK | constants.X_OK));
  return "missing";
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || dirname(path) === path ? path : nearestFolder(dirname(path));
}

async function makeRoot(root: string, isNamed: boolean): Promise<void> {
  if (await findRoot(root, isNamed)) return;
  await explained(root, () => makeFolder(root));
  await explained(root, () => access(root, usable));
}

const usable = constants.R_OK | constants.W_OK | constants.X_OK;

/** Whether the directory is there; it can be used then, and be made otherwise. @throws DataDirectoryError */
async function findRoot(root: string, isNamed: boolean): Promise<boolean> {
  const found = await explained(root, () => stat(root).catch(absent));
  if (found?.isDirectory()) {
    await explained(root, () => access(root, usable));
    return true;
  }
  if (found !== undefined) {
    throw new DataDirectoryError(`The data directory ${root} is a file: give a directory with --root.`);
  }
  const parent = dirname(root);
  if (isNamed && (await stat(parent).catch(absent)) === undefined) {
    throw new DataDirectoryError(
      `The data directory ${root} cannot be made: ${parent} does not exist. Make it first, or give another --root.`,
    );
  }
  return false;
}

/** SQLite gives the files beside its database the mode that this one has, and a new one what the umask leaves. */
async function makeForOwner(path: string): Promise<void> {
  await (await open(path, "a", 0o600)).close();
}

/** Whether the directory has been in use before. */
async function checkFormat(root: string): Promise<boolean> {
  const text = await explained(root, () => readFile(join(root, "format"), "utf8").catch(absent));
  if (text === undefined || text === "") return false;
  const format = text.trim();
  if (format === dataFormat) return true;
  const what = /^\d{1,9}$/.test(format)
    ? `has format ${format}, newer than this program's`
    : "has an unreadable format";
  throw new DataDirectoryError(
    `The data directory ${root} ${what} (${dataFormat}): use the version of artifacts-mcp that wrote it, or give another --root.`,
  );
}

/** An empty one, of whoever died here, is as none; whoever else does the same at this moment writes the same. */
async function writeFormat(root: string): Promise<void> {
  await writeSynced(join(root, "format"), constants.O_WRONLY | constants.O_CREAT, `${dataFormat}\n`);
  await syncFolder(root);
  // Whoever made the root may have died before its name was durable. A parent that we may not read is not ours.
  await syncFolder(dirname(root)).catch((error) => {
    if (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") throw error;
  });
}

async function openMetadata(file: string, blobs: BlobStore, log: Log): Promise<KeyvMetadataStore> {
  try {
    return await openKeyvMetadataStore(file, log).catch(async (error) => {
      // SQLite shares a file between processes that needs room on the disk, also where nothing is written.
      const needsRoom = ["SQLITE_FULL", "SQLITE_IOERR"].includes(codeOf(error) ?? "");
      if (!needsRoom || !(await blobs.releaseReserve())) throw error;
      return openKeyvMetadataStore(file, log);
    });
  } catch (cause) {
    throw new DataDirectoryError(databaseProblem(file, codeOf(cause), cause), { cause });
  }
}

function databaseProblem(file: string, code: string | undefined, cause: unknown): string {
  switch (code) {
    case "SQLITE_NOTADB":
    case "SQLITE_CORRUPT":
      return `${file} is damaged and was left as it is: restore it from a backup, or give another --root.`;
    case "SQLITE_CANTOPEN":
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
      return `${file} cannot be opened for writing: check that it is a file and yours, or give another --root.`;
    case "SQLITE_FULL":
      return `${file} cannot be opened because the disk is full: make room, then start again.`;
    case "SQLITE_BUSY":
      return `${file} is locked by another program: end it, or give another --root.`;
    default:
      return `${file} cannot be opened (${firstLine(cause)}): check the disk, or give another --root.`;
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}

async function hasContent(path: string): Promise<boolean> {
  const found = await stat(path).catch(absent);
  return found !== undefined && (found.isDirectory() || found.size > 0);
}

function absent(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
  return undefined;
}

async function explained<Result>(root: string, attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (cause) {
    throw new DataDirectoryError(directoryProblem(root, codeOf(cause), cause), { cause });
  }
}

function directoryProblem(root: string, code: string | undefined, cause: unknown): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `The data directory ${root} is not writable: make it so, or give another --root.`;
    case "EROFS":
      return `The data directory ${root} is on a read-only disk, and its database cannot be read without writing beside it: mount it writable, or copy the directory to where it can be written and give the copy with --root.`;
    case "ENOTDIR":
      return `The data directory ${root} lies below a file: give another --root.`;
    case "ENOSPC":
    case "EDQUOT":
      return `The data directory ${root} cannot be set up because the disk is full: make room, then start again.`;
    default:
      return `The data directory ${root} cannot be used (${firstLine(cause)}): give another --root.`;
  }
}
