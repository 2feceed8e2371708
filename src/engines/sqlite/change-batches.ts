import { codeOf } from "../engine-error.js";
import type { SqliteConnection, StoreChange } from "./database/connection.js";
import { SqliteError } from "./database/sqlite-error.js";
import type { DatabasePlace } from "./database-place.js";

/** The write-ahead log is moved into the database past this many pages, of 4 KiB. */
export const logPages = 1_000;
/**
 * The same while the disk is nearly full. A deletion makes the log longer before it frees anything, and moving the log
 * makes the database longer: both have to fit in what the store keeps in reserve.
 */
const shortLogPages = 64;
/** On a full disk, a change that needs room leaves this much for the log and the database of deletions. */
const keptBytes = 512 * 1024;
/** Of the database's free pages, as much is left for deletions. */
const keptPagesBytes = 64 * 1024;
/** A change whose rows grow by no more may be a deletion: it adds small rows, and removes others later. */
const maxGrowthOfDeletion = 1_024;

/** Makes a batch of changes; on a full disk, again after the log has been moved into the database. */
export async function makeChanges(
  changer: SqliteConnection,
  place: DatabasePlace,
  batch: readonly StoreChange[],
): Promise<boolean[]> {
  if (place.isFull() && batch.some(needsRoom)) return makeWithRoom(changer, place, batch);
  try {
    return await changer.change(batch, place.isNearlyFull() ? shortLogPages : logPages);
  } catch (error) {
    if (codeOf(error) !== "SQLITE_FULL") throw error;
    place.foundFull();
    if (!(await hasEmptiedLog(changer))) throw error;
    return changer.change(batch, shortLogPages);
  }
}

/**
 * Makes changes that need room on a disk that was found full. What they write is moved into the database at once, so
 * that the log's own room in its file stays for deletions.
 */
async function makeWithRoom(
  changer: SqliteConnection,
  place: DatabasePlace,
  batch: readonly StoreChange[],
): Promise<boolean[]> {
  const growth = batch.reduce((sum, change) => sum + growthOf(change), 0);
  // Pages that deletions have freed are room too: then neither the database grows, nor the log, which begins anew.
  const hasRoom =
    (await place.freeBytes()) >= keptBytes + 2 * growth || (await freeBytesIn(changer)) >= keptPagesBytes + growth;
  if (!hasRoom || !(await hasEmptiedLog(changer))) {
    throw new SqliteError({
      code: "SQLITE_FULL",
      message: "SQLITE_FULL: what the disk has left is kept for deletions",
    });
  }
  return changer.change(batch, 1);
}

/** Bytes of the database's pages that hold nothing. */
async function freeBytesIn(connection: SqliteConnection): Promise<number> {
  const sql = "SELECT freelist_count * page_size AS free FROM pragma_freelist_count, pragma_page_size";
  const [row] = await connection.all<{ free: number }>(sql);
  return row?.free ?? 0;
}

const needsRoom = (change: StoreChange): boolean => change.put.length > 0 || growthOf(change) > maxGrowthOfDeletion;

function growthOf({ rows, put }: StoreChange): number {
  const texts = rows.map(({ old = "", next = "" }) => next.length - old.length);
  return [...texts, ...put.map(({ bytes }) => bytes.length)].reduce((sum, size) => sum + size, 0);
}

/** Moves the log into the database. Answers whether all of it was: then the next write takes its place in the file. */
async function hasEmptiedLog(connection: SqliteConnection): Promise<boolean> {
  const sql = "PRAGMA wal_checkpoint(PASSIVE)";
  const [moved] = await connection.all<{ log: number; checkpointed: number }>(sql).catch(() => []);
  return moved !== undefined && moved.log >= 0 && moved.log === moved.checkpointed;
}
