import { access, constants, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ContentStore } from "../store/ports/content-store.js";
import type { LocalFiles } from "../store/ports/local-files.js";
import type { Log } from "../store/ports/log.js";
import type { PieceChanges, RowChange } from "../store/ports/metadata-store.js";
import { createDiskContentStore } from "./disk/disk-content-store.js";
import { DiskReserve } from "./disk/disk-reserve.js";
import { dataFormat, readFormat, writeFormat } from "./disk/format-file.js";
import { makeShards } from "./disk/shards.js";
import { readSigningKey } from "./disk/signing-key.js";
import { codeOf } from "./engine-error.js";
import { makeFolder, syncFolder } from "./file-system.js";
import { createLocalFiles } from "./local-files/local-files.js";
import { loadSqliteDriver, SqliteDriverError } from "./sqlite/database/driver.js";
import { type KeyvMetadataStore, openKeyvMetadataStore } from "./sqlite/keyv-metadata-store.js";

export interface DataDirectory {
  readonly metadata: KeyvMetadataStore;
  readonly content: ContentStore;
  /** The files of this machine, except for the data directory. */
  readonly files: LocalFiles;
  /** The key that URLs are signed with, made if there is none. @throws DataDirectoryError */
  signingKey(): Promise<Buffer>;
  close(): Promise<void>;
}

/** The data directory cannot be used. The message is one line that says what to do. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}

export interface OpenOptions {
  /** The person chose the root. Its parent must be there, so that a mistyped path makes nothing. */
  readonly isNamed?: boolean;
  /** Nothing is made if there is no store yet. */
  readonly mustExist?: boolean;
  /** The same for who serves: the directory has to be usable, since SQLite writes beside its database to read it. */
  readonly isReadOnly?: boolean;
}

/**
 * Opens a data directory, and makes it if there is none. Any number of processes may have it open.
 *
 * @throws DataDirectoryError
 */
export async function openDataDirectory(
  root: string,
  { isNamed = false, mustExist = false, isReadOnly = false }: OpenOptions,
  log: Log,
): Promise<DataDirectory> {
  await loadSqliteDriver().catch((cause) => {
    throw cause instanceof SqliteDriverError ? new DataDirectoryError(cause.message, { cause }) : cause;
  });
  if (isReadOnly) await findRoot(root, false);
  else if (!mustExist) await makeRoot(root, isNamed);
  const isFormatted = await hasStore(root);
  if ((mustExist || isReadOnly) && !isFormatted) {
    throw new DataDirectoryError(`There is no store in ${root}: give the data directory of one.`);
  }
  const database = databaseIn(root);
  await explained(root, () => makeShards(root));
  if (!isFormatted) await explained(root, () => makeForOwner(database));
  const reserve = new DiskReserve(root, log);
  const content = createDiskContentStore(root, log, reserve);
  const metadata = withGrowth(await openMetadata(database, content, log), reserve);
  if (!isFormatted) await explained(root, () => finishNewStore(root));
  const restored = content.restoreReserve();
  const files = createLocalFiles({ forbidden: root });
  const signingKey = () => explained(root, () => readSigningKey(root));
  const close = async (): Promise<void> => {
    await restored;
    await metadata.close();
  };
  return { metadata, content, files, signingKey, close };
}

/** Small content is in rows, and many rows are large too. */
function withGrowth(metadata: KeyvMetadataStore, reserve: DiskReserve): KeyvMetadataStore {
  return {
    ...metadata,
    async change(rows, pieces) {
      const isMade = await metadata.change(rows, pieces);
      if (isMade) await reserve.grow(growthOf(rows, pieces));
      return isMade;
    },
  };
}

/** About the bytes that a change adds. What dropped pieces had is not known. */
function growthOf(rows: readonly RowChange[], { put = [] }: PieceChanges = {}): number {
  const texts = rows.reduce((sum, { old = "", next = "" }) => sum + next.length - old.length, 0);
  return put.reduce((sum, { bytes }) => sum + bytes.length, texts);
}

const databaseIn = (root: string): string => join(root, "metadata.sqlite");

/** Whether there is a store in a directory. @throws DataDirectoryError if there is one that cannot be used */
async function hasStore(root: string): Promise<boolean> {
  const isFormatted = await checkFormat(root);
  const database = databaseIn(root);
  if (!isFormatted || (await hasContent(database))) return isFormatted;
  throw new DataDirectoryError(
    `${database} is missing or empty, although ${root} has held artifacts: restore it from a backup, or give another data directory.`,
  );
}

/**
 * What a start would find, without changing anything: a store, an empty directory, or none.
 *
 * @throws DataDirectoryError if a start would fail
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
    throw new DataDirectoryError(`The data directory ${root} is a file: give a directory.`);
  }
  const parent = dirname(root);
  if (isNamed && (await stat(parent).catch(absent)) === undefined) {
    throw new DataDirectoryError(
      `The data directory ${root} cannot be made: ${parent} does not exist. Make it first, or give another data directory.`,
    );
  }
  return false;
}

/** SQLite gives the files beside its database the mode that this one has, and a new one what the umask leaves. */
async function makeForOwner(path: string): Promise<void> {
  await (await open(path, "a", 0o600)).close();
}

/** Whether the directory has been in use before. @throws DataDirectoryError if its format is another one */
async function checkFormat(root: string): Promise<boolean> {
  const found = await explained(root, () => readFormat(root));
  if (found === undefined) return false;
  if (found.format !== dataFormat) throw new DataDirectoryError(formatProblem(root, found.format));
  return true;
}

function formatProblem(root: string, format: string): string {
  const ours = `and this program reads format ${dataFormat}`;
  if (!/^\d{1,9}$/.test(format)) {
    return `The data directory ${root} has an unreadable format, ${ours}: restore its file "format" from a backup, or give another data directory.`;
  }
  if (Number(format) > Number(dataFormat)) {
    return `The data directory ${root} has format ${format}, ${ours}: use the newer version of artifacts-mcp that wrote it, or give another data directory.`;
  }
  return `The data directory ${root} has format ${format} of an earlier preview, ${ours}: export what you need with the version that wrote it, or give another data directory.`;
}

/** Makes everything durable, and writes the format last: a directory that has it has a database too. */
async function finishNewStore(root: string): Promise<void> {
  await writeFormat(root);
  // Likewise for the root's own name. A parent that we may not read is not ours to sync.
  await syncFolder(dirname(root)).catch((error) => {
    if (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") throw error;
  });
}

async function openMetadata(file: string, content: ContentStore, log: Log): Promise<KeyvMetadataStore> {
  try {
    return await openKeyvMetadataStore(file, log).catch(async (error) => {
      // SQLite shares a file between processes, which needs room on the disk even if nothing is written.
      const needsRoom = ["SQLITE_FULL", "SQLITE_IOERR"].includes(codeOf(error) ?? "");
      if (!needsRoom || !(await content.releaseReserve())) throw error;
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
      return `${file} is damaged and was left as it is: restore it from a backup, or give another data directory.`;
    case "SQLITE_CANTOPEN":
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
      return `${file} cannot be opened for writing: check that it is a file and yours, or give another data directory.`;
    case "SQLITE_FULL":
      return `${file} cannot be opened because the disk is full: make room, then start again.`;
    case "SQLITE_BUSY":
      return `${file} is locked by another program: end it, or give another data directory.`;
    default:
      return `${file} cannot be opened (${firstLine(cause)}): check the disk, or give another data directory.`;
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
      return `The data directory ${root} is not writable: make it so, or give another data directory.`;
    case "EROFS":
      return `The data directory ${root} is on a read-only disk, and its database cannot be read without writing beside it: mount it writable, or copy the directory to where it can be written and give the copy.`;
    case "ENOTDIR":
      return `The data directory ${root} lies below a file: give another data directory.`;
    case "ENOSPC":
    case "EDQUOT":
      return `The data directory ${root} cannot be set up because the disk is full: make room, then start again.`;
    default:
      return `The data directory ${root} cannot be used (${firstLine(cause)}): give another data directory.`;
  }
}
