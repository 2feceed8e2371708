import type { Log } from "../../store/ports/log.js";
import { checkpointPages } from "./change-batches.js";
import type { ConnectionOptions, SqliteConnection } from "./database/connection.js";
import { loadSqliteDriver } from "./database/driver.js";
import { identityOf } from "./database/file-identity.js";
import { openLocalConnection } from "./database/local-connection.js";
import { SqliteError } from "./database/sqlite-error.js";
import { connectionUri } from "./database/sqlite3.js";
import { makeTables } from "./database/tables.js";
import { busyTimeoutMs, connectKeyv, type KeyvConnection } from "./keyv-connection.js";

/** The file of an empty WAL is cut to this length. It is longer than `checkpointPages`, so that it is rarely cut. */
const maxWalBytes = 8 * 1024 * 1024;

/**
 * The options of a connection that writes. It is opened only after the database was made, so it must not make a new,
 * empty one if the file was removed.
 */
export const writerOptions = (identity: string): ConnectionOptions => ({
  mustExist: true,
  identity,
  busyTimeoutMs,
  pragmas: ["synchronous=FULL", `wal_autocheckpoint=${checkpointPages}`, `journal_size_limit=${maxWalBytes}`],
});

/** The options of a connection that only reads: one for the index, and one for each snapshot. */
export const secondReaderOptions = (identity: string): ConnectionOptions => ({
  mustExist: true,
  identity,
  busyTimeoutMs,
  pragmas: ["query_only=ON"],
});

/** Makes the database if there is none. @returns a connection that only reads, and the identity of its file */
export async function openReader(
  file: string,
  log: Log,
): Promise<{ readonly reader: KeyvConnection; readonly identity: string }> {
  const maker = await openLocalConnection(file, { busyTimeoutMs });
  try {
    if (await makeTables(maker)) await emptyWal(maker);
    const identity = await identityOf(file);
    const reader = await connectKeyv(connectionUri(file, "local", { mustExist: true, identity }), log);
    await reader.adapter.query("PRAGMA query_only=ON");
    if (identity !== undefined) return { reader, identity };
    await reader.keyv.disconnect();
    throw new SqliteError({ code: "SQLITE_CANTOPEN", message: "SQLITE_CANTOPEN: the file was removed meanwhile" });
  } finally {
    await maker.close(); // after the reader was opened: the last connection that closes would checkpoint the WAL
  }
}

/**
 * Checkpoints the WAL and empties it. Node's driver does that when the last connection closes. The prebuilt driver
 * leaves the WAL, and SQLite would apply it to another `metadata.sqlite` that is put in the place of this one.
 */
export async function emptyWal(connection: SqliteConnection): Promise<void> {
  const { name } = await loadSqliteDriver();
  // If another process uses the database, the WAL may stay: that process needs it, and empties it later.
  if (name !== "node:sqlite") await connection.all("PRAGMA wal_checkpoint(TRUNCATE)").catch(() => undefined);
}
