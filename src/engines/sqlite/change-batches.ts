import { errorCodeOf } from "../engine-error.js";
import { growthOf } from "../growth-of.js";
import type { SqliteConnection, StoreChange } from "./database/connection.js";
import { SqliteError } from "./database/sqlite-error.js";
import type { DatabaseFile } from "./database-file.js";

/** The write-ahead log (WAL) is checkpointed when a commit leaves it with this many pages of 4 KiB. */
export const checkpointPages = 1_000;
/**
 * The same on a nearly full disk. A deletion makes the WAL longer before it frees anything, and a checkpoint makes the
 * database longer. Both must fit in the space that the store keeps in reserve.
 */
const nearlyFullCheckpointPages = 64;
/** On a full disk, a change that needs room leaves this many bytes for the WAL and the database of deletions. */
const keptBytes = 512 * 1024;
/** The same in the free pages of the database. */
const keptPagesBytes = 64 * 1024;
/** A change whose rows grow by no more than this may be a deletion: it adds small rows, and removes others later. */
const maxGrowthOfDeletion = 1_024;

/** Makes a batch of changes. If the disk is full, checkpoints the WAL and tries once more. */
export async function makeChanges(
  changer: SqliteConnection,
  file: DatabaseFile,
  batch: readonly StoreChange[],
): Promise<boolean[]> {
  if (file.isDiskFull() && batch.some(needsRoom)) return makeWithRoom(changer, file, batch);
  try {
    return await changer.change(batch, file.isDiskNearlyFull() ? nearlyFullCheckpointPages : checkpointPages);
  } catch (error) {
    if (errorCodeOf(error) !== "SQLITE_FULL") throw error;
    file.markDiskFull();
    if (!(await checkpointAll(changer))) throw error;
    return changer.change(batch, nearlyFullCheckpointPages);
  }
}

/**
 * Makes changes that need room on a disk that was found full. They are checkpointed at once, so that the space of the
 * WAL stays free for deletions.
 */
async function makeWithRoom(
  changer: SqliteConnection,
  file: DatabaseFile,
  batch: readonly StoreChange[],
): Promise<boolean[]> {
  const growth = batch.reduce((sum, change) => sum + growthOf(change.rows, change.put), 0);
  // Pages that deletions have freed are room too. With enough of them the database does not grow. Nor does the WAL,
  // because after a checkpoint it is written from the start of its file.
  const hasRoom =
    (await file.freeBytes()) >= keptBytes + 2 * growth || (await freeBytesIn(changer)) >= keptPagesBytes + growth;
  if (!hasRoom || !(await checkpointAll(changer))) {
    throw new SqliteError({
      code: "SQLITE_FULL",
      message: "SQLITE_FULL: the rest of the disk is kept for deletions",
    });
  }
  return changer.change(batch, 1);
}

/** Bytes of the free pages in the database. */
async function freeBytesIn(connection: SqliteConnection): Promise<number> {
  const sql = "SELECT freelist_count * page_size AS free FROM pragma_freelist_count, pragma_page_size";
  const [row] = await connection.all<{ free: number }>(sql);
  return row?.free ?? 0;
}

const needsRoom = (change: StoreChange): boolean =>
  change.put.length > 0 || growthOf(change.rows, change.put) > maxGrowthOfDeletion;

/** Checkpoints the WAL. Returns whether all of it was moved. If it was, the next write begins at its start. */
async function checkpointAll(connection: SqliteConnection): Promise<boolean> {
  const sql = "PRAGMA wal_checkpoint(PASSIVE)";
  const [moved] = await connection.all<{ log: number; checkpointed: number }>(sql).catch(() => []);
  return moved !== undefined && moved.log >= 0 && moved.log === moved.checkpointed;
}
