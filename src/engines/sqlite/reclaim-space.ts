import { setTimeout as sleep } from "node:timers/promises";
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
/** A reader that still needs an earlier state of the database is waited for this long. */
const readersMs = 10_000;
const readersPauseMs = 50;

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

/**
 * Gives all free pages of the database back to the file system, and empties the WAL. Other processes may read and write
 * meanwhile. It may be killed at any moment: each step is a transaction.
 *
 * @param inTurn runs one step in a turn of the writer
 */
export async function compactDatabase(
  connection: SqliteConnection,
  inTurn: <Result>(step: () => Promise<Result>) => Promise<Result>,
  isNearlyFull: () => boolean,
): Promise<void> {
  const { free: first } = await inTurn(() => pagesOf(connection));
  // Others may free pages as fast as they are given back. What is free now is enough.
  for (let left = first; left > 0; ) {
    const pages = isNearlyFull() ? fewPages : usualPages;
    await inTurn(async () => {
      await connection.all(`PRAGMA incremental_vacuum(${pages})`);
      await checkpoint(connection);
    });
    left -= pages;
  }
  const deadline = performance.now() + readersMs;
  while (!(await inTurn(() => checkpoint(connection))) && performance.now() < deadline) await sleep(readersPauseMs);
}

async function isWorthIt(connection: SqliteConnection, isNearlyFull: boolean): Promise<boolean> {
  const { free, pages } = await pagesOf(connection);
  return isNearlyFull ? free > 0 : free >= minFreePages && free >= pages * minFreePart;
}

async function pagesOf(connection: SqliteConnection): Promise<{ readonly free: number; readonly pages: number }> {
  const sql = "SELECT freelist_count AS free, page_count AS pages FROM pragma_freelist_count, pragma_page_count";
  const [row] = await connection.all<{ free: number; pages: number }>(sql);
  return row ?? { free: 0, pages: 0 };
}

/** Returns whether all of the WAL is in the database now, so that the file has its new length. */
async function checkpoint(connection: SqliteConnection): Promise<boolean> {
  const sql = "PRAGMA wal_checkpoint(PASSIVE)";
  const rows = await connection.all<{ log: number; checkpointed: number }>(sql).catch((error) => {
    if (errorCodeOf(error) !== "SQLITE_FULL") throw error; // nothing is lost, and a later checkpoint may find room
    return [];
  });
  const [row] = rows;
  return row !== undefined && row.log === row.checkpointed;
}
