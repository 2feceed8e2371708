import type { SqliteConnection } from "./connection.js";
import { table } from "./keyv-rows.js";
import { SqliteError } from "./sqlite-error.js";

/** The table of small pieces of content. They are stored as blobs, so they take no more space than their bytes. */
export const pieceTable = "pieces";

const schema = [
  // The same statement as in Keyv's adapter, with its `keySize`.
  `CREATE TABLE IF NOT EXISTS ${table}(key VARCHAR(1024) PRIMARY KEY, value TEXT )`,
  `CREATE TABLE IF NOT EXISTS ${pieceTable}(name TEXT PRIMARY KEY, bytes BLOB NOT NULL)`,
];

/**
 * Makes the tables in a database that has none. They are made in one transaction, so a database with only some of them
 * has lost the others and is damaged. Any number of processes may do this at once.
 *
 * @returns whether the tables were made
 * @throws SqliteError `SQLITE_CORRUPT` if a table is lost
 */
export async function makeTables(connection: SqliteConnection): Promise<boolean> {
  const found = await tablesIn(connection);
  // This can only be set while the database is empty. The process that writes the first page has set it.
  if (found.length === 0) await connection.all("PRAGMA auto_vacuum=INCREMENTAL");
  await connection.all("PRAGMA journal_mode=WAL");
  if (found.length === 0) {
    await createAll(connection);
    return true;
  }
  const lost = [table, pieceTable].filter((name) => !found.includes(name));
  if (lost.length === 0) return false;
  const message = `SQLITE_CORRUPT: the database has lost its table ${lost.join(" and its table ")}`;
  throw new SqliteError({ code: "SQLITE_CORRUPT", message });
}

async function tablesIn(connection: SqliteConnection): Promise<string[]> {
  const rows = await connection.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
  return rows.map(({ name }) => name);
}

async function createAll(connection: SqliteConnection): Promise<void> {
  await connection.all("BEGIN IMMEDIATE");
  try {
    for (const sql of schema) await connection.all(sql);
    await connection.all("COMMIT");
  } catch (error) {
    await connection.all("ROLLBACK").catch(() => undefined); // SQLite may have ended the transaction
    throw error;
  }
}
