import { ArtifactError } from "../../store/model/errors.js";
import type { Log } from "../../store/ports/log.js";
import type { MetadataStore, PieceChanges, RowChange } from "../../store/ports/metadata-store.js";
import { codeOf, engineError } from "../engine-error.js";
import { logPages, makeChanges } from "./change-batches.js";
import { type BatchLimits, createChangeQueue, type InTurn } from "./change-queue.js";
import type { ConnectionOptions, SqliteConnection, StoreChange } from "./database/connection.js";
import { loadSqliteDriver } from "./database/driver.js";
import { identityOf } from "./database/file-identity.js";
import { table, wrap } from "./database/keyv-rows.js";
import { openLocalConnection } from "./database/local-connection.js";
import { SqliteError } from "./database/sqlite-error.js";
import { sharedSqliteThread } from "./database/sqlite-thread.js";
import { connectionUri } from "./database/sqlite3.js";
import { makeTables } from "./database/tables.js";
import { DatabasePlace, storeReplaced } from "./database-place.js";
import { busyTimeoutMs, connectKeyv, type KeyvConnection } from "./keyv-connection.js";
import { readGrouped, readPieceNames, readPieces, readRange, type Select } from "./ordered-pages.js";
import { reclaimSpace } from "./reclaim-space.js";

export interface KeyvMetadataStore extends MetadataStore {
  /** Lets running writes end, then closes the file. */
  close(): Promise<void>;
}

/** Of a log that is empty, the file keeps at most this much. It is more than `logPages`, so that it is rarely cut. */
const maxLogBytes = 8 * 1024 * 1024;

/** More changes in a transaction would save little, and make all of them wait longer. */
const usualBatch: BatchLimits = { maxChanges: 32, maxSize: 1024 * 1024 };
/** On a full disk a deletion must not fail because of a save in the same transaction. */
const singleChange: BatchLimits = { maxChanges: 1, maxSize: 0 };

/** A connection that writes. The file is there by then: one that was removed is not made anew, empty. */
const writing = (identity: string): ConnectionOptions => ({
  mustExist: true,
  identity,
  busyTimeoutMs,
  pragmas: ["synchronous=FULL", `wal_autocheckpoint=${logPages}`, `journal_size_limit=${maxLogBytes}`],
});

/**
 * Metadata in Keyv over SQLite, shared by any number of processes. Reads by key and writes without a condition are
 * Keyv's; changes, pieces and ordered pages, which Keyv has not, are statements beside it.
 *
 * Reads run in the caller's thread, where they wait for nothing. Writes run in `sharedSqliteThread`, which is started
 * after the first of them: a server that only reads never has it.
 *
 * A row's text is kept in Keyv's own envelope, `{"value":<text>}`, so any Keyv reads it.
 *
 * @param file path of the database, made if there is none
 * @throws SqliteError, SqliteDriverError
 */
export async function openKeyvMetadataStore(file: string, log: Log): Promise<KeyvMetadataStore> {
  const { reader, identity } = await openReader(file, log);
  const select: Select = (sql, ...values) => asEngine(() => reader.adapter.query(sql, ...values));
  const place = new DatabasePlace(file, identity, log);
  const stopWatching = sharedSqliteThread.onEnd((error) =>
    log("error", "sqlite_thread_ended", { error: String(error) }),
  );
  const { inTurn, ended, hasWritten } = createTurns();
  const writer = lazily(async () => {
    // Keyv makes the table where there is none: a database that has lost it must not look like an empty one.
    await select(`SELECT 1 FROM ${table} LIMIT 1`);
    return connectKeyv(connectionUri(file, "thread", writing(identity)), log);
  });
  const changer = sharedSqliteThread.connect(file, writing(identity));
  const change = createChangeQueue(
    inTurn,
    () => (place.isNearlyFull() ? singleChange : usualBatch),
    (batch) => inPlace(place, () => makeChanges(changer, place, batch)),
  );

  return {
    get: (key) => asEngine(() => reader.keyv.get<string>(key)),
    getMany: (keys) => asEngine(() => reader.keyv.getMany<string>([...keys])),
    async put(key, text) {
      await inTurn(() =>
        inPlace(place, async () => {
          const { keyv } = await writer.get();
          await keyv.set(key, text);
        }),
      );
    },
    async change(rows, pieces = {}) {
      const wasMade = await change(toStoreChange(rows, pieces));
      if (!wasMade) await rejectIncomparable(select, rows);
      return wasMade;
    },
    pieces: (names) => readPieces(select, names),
    listPieces: (options) => readPieceNames(select, options),
    range: (prefix, options) => readRange(select, prefix, options),
    grouped: (prefix, delimiter, options) => readGrouped(select, prefix, delimiter, options),
    reclaim: () => inTurn(() => inPlace(place, () => reclaimSpace(changer, place.isNearlyFull()))),
    async changeToken() {
      const [row] = await select<{ data_version: number }>("PRAGMA data_version");
      return String(row?.data_version);
    },
    async checkIntegrity() {
      const found = await select<{ integrity_check: string }>("PRAGMA integrity_check");
      return found.map((row) => row.integrity_check).filter((line) => line !== "ok");
    },
    isInPlace: () => asEngine(() => place.isInPlace()),
    async close() {
      await ended();
      try {
        if (hasWritten()) await leaveNoLog(changer);
        // The last connection to close moves the log into the database, and syncs: that is for the thread.
        await reader.keyv.disconnect();
        await changer.close();
        await writer.begun()?.then(({ keyv }) => keyv.disconnect());
      } finally {
        stopWatching();
      }
    },
  };
}

/** Makes the database if there is none. @returns a connection for reading, and the identity of the file that it reads */
async function openReader(file: string, log: Log): Promise<{ reader: KeyvConnection; identity: string }> {
  const maker = await openLocalConnection(file, { busyTimeoutMs });
  try {
    if (await makeTables(maker)) await leaveNoLog(maker);
    const identity = await identityOf(file);
    const reader = await connectKeyv(connectionUri(file, "local", { mustExist: true, identity }), log);
    await reader.adapter.query("PRAGMA query_only=ON");
    if (identity !== undefined) return { reader, identity };
    await reader.keyv.disconnect();
    throw new SqliteError({ code: "SQLITE_CANTOPEN", message: "SQLITE_CANTOPEN: the file was removed meanwhile" });
  } finally {
    await maker.close(); // behind the reader: the last connection to close would move the log
  }
}

/** @throws Error for what no caller may ask */
function toStoreChange(rows: readonly RowChange[], { put = [], drop = [] }: PieceChanges): StoreChange {
  if (new Set(rows.map(({ key }) => key)).size < rows.length) throw new Error("a change has a key twice");
  const texts = [...rows.flatMap(({ key, old, next }) => [key, old, next]), ...put.map(({ name }) => name), ...drop];
  // The prebuilt driver would cut them off there.
  if (texts.some((text) => text?.includes("\0"))) throw new Error("a change has a text with NUL");
  return { rows, put, drop };
}

/** Does a write while the database is still the one at its path. @throws ArtifactError `store_replaced` otherwise */
async function inPlace<Result>(place: DatabasePlace, write: () => Promise<Result>): Promise<Result> {
  return asEngine(async () => {
    await place.admit();
    try {
      const result = await write();
      await place.confirm();
      return result;
    } catch (error) {
      // A connection that was to be opened has found another file, or none.
      const isGone = codeOf(error) === "SQLITE_MOVED" || codeOf(error) === "SQLITE_CANTOPEN";
      if (isGone && !(await place.isInPlace())) throw storeReplaced(error);
      throw error;
    }
  });
}

/**
 * Rejects a row that reads as a change expects it, and is another to the database: its bytes are no text, or there is
 * none. Such a change could never be made, and a retry would loop.
 */
async function rejectIncomparable(select: Select, rows: readonly RowChange[]): Promise<void> {
  for (const { key, old } of rows) {
    const value = old === undefined ? null : wrap(old);
    const sql = `SELECT value, value = $1 AS isEqual FROM ${table} WHERE key = $2`;
    const [row] = await select<{ value: unknown; isEqual: number | null }>(sql, value, key);
    if (row === undefined || row.value !== value || row.isEqual === 1) continue;
    throw new ArtifactError(
      "corrupt",
      `The metadata row ${JSON.stringify(key)} is damaged: it is not stored as it reads. Nothing was changed.`,
      { next: "restore_backup", details: { row: key } },
    );
  }
}

/** Does `work`; its errors as the port's callers know them. */
async function asEngine<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw engineError(error);
  }
}

/** Runs one write at a time, so that a busy database cannot roll back another one. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  let hasWritten = false;
  const inTurn: InTurn = (write) => {
    hasWritten = true;
    const result = last.then(write);
    last = result.catch(() => undefined); // the caller has it; the next write only waits
    return result;
  };
  /** A turn may ask for another one. */
  async function ended(): Promise<void> {
    for (let seen: unknown; seen !== last; await seen) seen = last;
  }
  return { inTurn, ended, hasWritten: () => hasWritten };
}

/**
 * Moves the log into the database. Node's driver does so when the last connection closes; the prebuilt one leaves a log
 * behind, which would be played into another `metadata.sqlite` that is put in the place of this one.
 */
async function leaveNoLog(connection: SqliteConnection): Promise<void> {
  const { name } = await loadSqliteDriver();
  // Where another process is at work, the log is needed, and it will do so.
  if (name !== "node:sqlite") await connection.all("PRAGMA wal_checkpoint(TRUNCATE)").catch(() => undefined);
}

/** Makes something with the first `get`; after a failure the next one tries again. */
function lazily<Made>(make: () => Promise<Made>) {
  let making: Promise<Made> | undefined;
  return {
    get(): Promise<Made> {
      making ??= make().catch((error) => {
        making = undefined;
        throw error;
      });
      return making;
    },
    begun: () => making,
  };
}
