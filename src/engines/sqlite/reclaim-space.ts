import { errorCodeOf } from "../engine-error.js";
import type { SqliteConnection } from "./database/connection.js";

/** Pages that one transaction frees. It locks the database for about 0.14 s, and the WAL grows by up to 16 MiB. */
const usualPages = 4_096;
/** On a nearly full disk the WAL has no room to grow. So the pages are freed in many small steps, each checkpointed. */
const fewPages = 64;
const fewPagesSteps = 16;
/** Fewer free pages than this, or a smaller part of the database, are kept: new rows will soon use them. */
const minFreePages = 256;
const minFreePart = 0.1;

/**
 * Gives the free pages at the end of the database back to the file system, if there are enough of them, and checkpoints the
 * write-ahead log (WAL).
 */
export async function reclaimSpace(connection: SqliteConnection, isNearlyFull: boolean): Promise<void> {
  const steps = isNearlyFull ? fewPagesSteps : 1;
  for (let step = 0; step < steps && (await isWorthIt(connection, isNearlyFull)); step += 1) {
    await connection.all(`PRAGMA incremental_vacuum(${isNearlyFull ? fewPages : usualPages})`);
    if (isNearlyFull) await checkpoint(connection);
  }
  // Only this makes the file shorter. It must not wait for the next write: others may fill the disk before that.
  await checkpoint(connection);
}

async function isWorthIt(connection: SqliteConnection, isNearlyFull: boolean): Promise<boolean> {
  const sql = "SELECT freelist_count AS free, page_count AS pages FROM pragma_freelist_count, pragma_page_count";
  const [row] = await connection.all<{ free: number; pages: number }>(sql);
  const { free = 0, pages = 0 } = row ?? {};
  return isNearlyFull ? free > 0 : free >= minFreePages && free >= pages * minFreePart;
}

async function checkpoint(connection: SqliteConnection): Promise<void> {
  await connection.all("PRAGMA wal_checkpoint(PASSIVE)").catch((error) => {
    if (errorCodeOf(error) !== "SQLITE_FULL") throw error; // nothing is lost, and a later checkpoint may find room
  });
}
