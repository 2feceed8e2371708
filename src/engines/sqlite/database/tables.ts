import { lostIndexObjects, makeIndex } from "../index/make-index.js";
import type { LocalConnection, Query } from "./connection.js";
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
 * has lost the others and is damaged. Only the index can be made again. Any number of processes may do this at once.
 *
 * @returns whether anything was made
 * @throws SqliteError `SQLITE_CORRUPT` if a table is lost
 */
export async function makeTables(connection: LocalConnection): Promise<boolean> {
  const found = await connection.readSnapshot(tablesIn);
  // This can only be set while the database is empty. The process that writes the first page has set it.
  if (found.length === 0) await connection.all("PRAGMA auto_vacuum=INCREMENTAL");
  await connection.all("PRAGMA journal_mode=WAL");
  const lost = [table, pieceTable].filter((name) => !found.includes(name));
  if (found.length > 0 && lost.length > 0) {
    const message = `SQLITE_CORRUPT: the database has lost its table ${lost.join(" and its table ")}`;
    throw new SqliteError({ code: "SQLITE_CORRUPT", message });
  }
  if ((await connection.readSnapshot(lostIndexObjects)).length === 0) return false;
  await connection.writeTogether((query) => {
    for (const sql of schema) query(sql);
    if (lostIndexObjects(query).length > 0) makeIndex(query); // another process may have made it meanwhile
  });
  return true;
}

const tablesIn = (query: Query): string[] =>
  query<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => name);
