import { codeOf } from "../engine-error.js";
import type { SqliteConnection } from "./database/connection.js";

/** Pages that one transaction gives back: it holds the database for about 0.14 s, and the log grows by up to 16 MiB. */
const usualPages = 4_096;
/** On a disk that is nearly full the log has no room to grow: many small steps, the log moved after each. */
const fewPages = 64;
const fewPagesSteps = 16;
/** With fewer free pages, or a smaller part of the database, new rows soon use them again. */
const leastPages = 256;
const leastPart = 0.1;

/**
 * Gives free pages at the end of the database back to the system, if they are worth it, and moves the log into the
 * database.
 */
export async function reclaimSpace(connection: SqliteConnection, isNearlyFull: boolean): Promise<void> {
  const steps = isNearlyFull ? fewPagesSteps : 1;
  for (let step = 0; step < steps && (await isWorthIt(connection, isNearlyFull)); step += 1) {
    await connection.all(`PRAGMA incremental_vacuum(${isNearlyFull ? fewPages : usualPages})`);
    if (isNearlyFull) await moveLog(connection);
  }
  // The file becomes shorter only now. And while nobody writes, a long log would wait for a disk that others fill.
  await moveLog(connection);
}

async function isWorthIt(connection: SqliteConnection, isNearlyFull: boolean): Promise<boolean> {
  const sql = "SELECT freelist_count AS free, page_count AS pages FROM pragma_freelist_count, pragma_page_count";
  const [row] = await connection.all<{ free: number; pages: number }>(sql);
  const { free = 0, pages = 0 } = row ?? {};
  return isNearlyFull ? free > 0 : free >= leastPages && free >= pages * leastPart;
}

async function moveLog(connection: SqliteConnection): Promise<void> {
  await connection.all("PRAGMA wal_checkpoint(PASSIVE)").catch((error) => {
    if (codeOf(error) !== "SQLITE_FULL") throw error; // nothing is lost, and there will be room another time
  });
}
