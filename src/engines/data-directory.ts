import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { ArchiveFolders } from "../store/ports/archive-folder.js";
import type { ContentStore } from "../store/ports/content-store.js";
import type { DerivedStore } from "../store/ports/derived-store.js";
import type { LocalFiles } from "../store/ports/local-files.js";
import type { Log } from "../store/ports/log.js";
import { DataDirectoryError, databaseError, withDirectoryErrors } from "./data-directory-error.js";
import { databaseIn, findRoot, hasStore, makeRoot } from "./data-root.js";
import { createDiskContentStore } from "./disk/disk-content-store.js";
import { createDiskDerivedStore } from "./disk/disk-derived-store.js";
import { DiskReserve } from "./disk/disk-reserve.js";
import { writeFormat } from "./disk/format-file.js";
import { makeShards } from "./disk/shards.js";
import { readSigningKey } from "./disk/signing-key.js";
import { errorCodeOf } from "./engine-error.js";
import { syncFolder } from "./file-system.js";
import { growthOf } from "./growth-of.js";
import { createArchiveFolders } from "./local-files/archive-folder.js";
import { createLocalFiles } from "./local-files/local-files.js";
import { loadSqliteDriver, SqliteDriverError } from "./sqlite/database/driver.js";
import { type KeyvMetadataStore, openKeyvMetadataStore } from "./sqlite/keyv-metadata-store.js";

export interface DataDirectory {
  readonly metadata: KeyvMetadataStore;
  readonly content: ContentStore;
  readonly derived: DerivedStore;
  /** The files of this machine, except for the data directory. */
  readonly files: LocalFiles;
  /** Directories for exports, outside of the data directory. */
  readonly archiveFolders: ArchiveFolders;
  /** The key that URLs are signed with. It is made if there is none. @throws DataDirectoryError */
  signingKey(): Promise<Buffer>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** The person chose the root. Its parent must exist, so that a mistyped path makes nothing. */
  readonly isNamed?: boolean;
  /** Fails if there is no store yet, and makes nothing. */
  readonly mustExist?: boolean;
  /**
   * Like `mustExist`, for a server that only reads. The directory must be writable all the same, because SQLite writes
   * beside its database to read it.
   */
  readonly isReadOnly?: boolean;
}

/**
 * Opens a data directory. Makes it if it does not exist. Any number of processes may have it open.
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
    throw new DataDirectoryError(`There is no store in ${root}: give another data directory.`);
  }
  const database = databaseIn(root);
  await withDirectoryErrors(root, () => makeShards(root));
  if (!isFormatted) await withDirectoryErrors(root, () => makeForOwner(database));
  const reserve = new DiskReserve(root, log);
  const content = createDiskContentStore(root, log, reserve);
  const metadata = withGrowth(await openMetadata(database, content, log), reserve);
  if (!isFormatted) await withDirectoryErrors(root, () => finishNewStore(root));
  const restored = content.restoreReserve();
  const derived = createDiskDerivedStore(root, log, { isReadOnly });
  const files = createLocalFiles({ forbidden: root });
  const archiveFolders = createArchiveFolders({ forbidden: root, log });
  const signingKey = () => withDirectoryErrors(root, () => readSigningKey(root));
  const close = async (): Promise<void> => {
    await restored;
    await metadata.close();
  };
  return { metadata, content, derived, files, archiveFolders, signingKey, close };
}

/** Reports the growth of rows to the reserve: small content is in rows, and many rows are large too. */
function withGrowth(metadata: KeyvMetadataStore, reserve: DiskReserve): KeyvMetadataStore {
  return {
    ...metadata,
    async change(rows, pieces) {
      const isMade = await metadata.change(rows, pieces);
      if (isMade) await reserve.grow(growthOf(rows, pieces?.put));
      return isMade;
    },
  };
}

/**
 * Makes an empty database for its owner alone. SQLite gives the files beside it the same mode. SQLite itself would make
 * it with the mode that the umask leaves.
 */
async function makeForOwner(path: string): Promise<void> {
  await (await open(path, "a", 0o600)).close();
}

/** Makes a new store durable. The format is written last, so a directory with a format has a database too. */
async function finishNewStore(root: string): Promise<void> {
  await writeFormat(root);
  // The name of the root must be durable too. A parent that this process may not read cannot be synced.
  await syncFolder(dirname(root)).catch((error) => {
    if (errorCodeOf(error) !== "EACCES" && errorCodeOf(error) !== "EPERM") throw error;
  });
}

async function openMetadata(file: string, content: ContentStore, log: Log): Promise<KeyvMetadataStore> {
  try {
    return await openKeyvMetadataStore(file, log).catch(async (error) => {
      // SQLite shares a file between processes, and that needs room on the disk even if nothing is written.
      const needsRoom = ["SQLITE_FULL", "SQLITE_IOERR"].includes(errorCodeOf(error) ?? "");
      if (!needsRoom || !(await content.releaseReserve())) throw error;
      return openKeyvMetadataStore(file, log);
    });
  } catch (cause) {
    throw databaseError(file, cause);
  }
}
