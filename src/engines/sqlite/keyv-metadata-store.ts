import { ArtifactError } from "../../store/model/errors.js";
import { artifactPrefix } from "../../store/model/row-keys.js";
import type { Log } from "../../store/ports/log.js";
import type { MetadataStore, PieceChanges, RowChange } from "../../store/ports/metadata-store.js";
import { errorCodeOf, translatingErrors } from "../engine-error.js";
import { makeChanges } from "./change-batches.js";
import { type BatchLimits, createChangeQueue } from "./change-queue.js";
import type { StoreChange } from "./database/connection.js";
import { table, wrap } from "./database/keyv-rows.js";
import { openLocalConnection } from "./database/local-connection.js";
import { sharedSqliteThread } from "./database/sqlite-thread.js";
import { connectionUri } from "./database/sqlite3.js";
import { DatabaseFile, storeReplaced } from "./database-file.js";
import { createDatabaseSpace } from "./database-space.js";
import { isAboutIndex } from "./index/check-index.js";
import { createIndexFeeder } from "./index/index-feeder.js";
import type { IndexWork } from "./index/maintain-index.js";
import { createSqliteArtifactIndex } from "./index/sqlite-artifact-index.js";
import { connectKeyv } from "./keyv-connection.js";
import { emptyWal, openReader, secondReaderOptions, writerOptions } from "./open-connections.js";
import { readGrouped, readPieceNames, readPieces, readRange, type Select } from "./ordered-pages.js";
import { readSnapshot } from "./read-snapshot.js";
import { createWriteTurns, type InTurn } from "./write-turns.js";

export interface KeyvMetadataStore extends MetadataStore {
  /** Waits for running writes, then closes the file. */
  close(): Promise<void>;
}

/** Of a folder that is put, hundreds of changes wait. With more in a transaction, other processes would wait too long. */
const usualBatch: BatchLimits = { maxChanges: 256, maxSize: 4 * 1024 * 1024 };
/** On a full disk a deletion must not fail because of a save in the same transaction. */
const singleChange: BatchLimits = { maxChanges: 1, maxSize: 0 };

/**
 * Metadata in Keyv over SQLite, shared by any number of processes. Keyv does the reads by key and the unconditional
 * writes. Keyv has no changes, pieces and ordered pages; these are statements on the same database.
 *
 * Reads run in the calling thread, where they do not wait for writes. Writes run in `sharedSqliteThread`, which is
 * started after the first write. A server that only reads never starts it.
 *
 * The text of a row is kept in Keyv's own envelope, `{"value":<text>}`, so any Keyv can read it.
 *
 * @param file path of the database; it is made if there is none
 * @throws SqliteError, SqliteDriverError
 */
export async function openKeyvMetadataStore(file: string, log: Log): Promise<KeyvMetadataStore> {
  const { reader, identity } = await openReader(file, log);
  const select: Select = (sql, ...values) => translatingErrors(() => reader.adapter.query(sql, ...values));
  const database = new DatabaseFile(file, identity, log);
  const stopWatching = sharedSqliteThread.onEnd((error) =>
    log("error", "sqlite_thread_ended", { error: String(error) }),
  );
  const { inTurn, ended, hasWritten } = createWriteTurns();
  const writer = lazily(async () => {
    // Keyv makes its table if it is missing, and a database that has lost the table must not look like an empty one.
    await select(`SELECT 1 FROM ${table} LIMIT 1`);
    return connectKeyv(connectionUri(file, "thread", writerOptions(identity)), log);
  });
  const changer = sharedSqliteThread.connect(file, writerOptions(identity));
  const change = createChangeQueue(
    inTurn,
    () => (database.isDiskNearlyFull() ? singleChange : usualBatch),
    (batch) => checkedWrite(database, () => makeChanges(changer, database, batch)),
  );
  const openSecondReader = () =>
    unlessReplaced(database, () => openLocalConnection(file, secondReaderOptions(identity)));
  const indexReader = lazily(openSecondReader);
  const write: InTurn = (work) => inTurn(() => checkedWrite(database, work));
  const maintain = (work: IndexWork) => write(() => changer.maintainIndex(work));
  const feeder = createIndexFeeder(() => maintain({ kind: "feed", all: false }), database, log);

  return {
    ...createSqliteArtifactIndex({ reader: indexReader.get, maintain }),
    ...createDatabaseSpace({ file, database, reader: indexReader.get, writer: changer, write }),
    get: (key) => translatingErrors(() => reader.keyv.get<string>(key)),
    getMany: (keys) => translatingErrors(() => reader.keyv.getMany<string>([...keys])),
    async put(key, text) {
      await write(async () => {
        const { keyv } = await writer.get();
        await keyv.set(key, text);
      });
    },
    async change(rows, pieces = {}) {
      const isMade = await change(toStoreChange(rows, pieces));
      if (!isMade) await rejectDamagedRows(select, rows);
      else if (rows.some(({ key }) => key.startsWith(artifactPrefix))) feeder.changed();
      return isMade;
    },
    pieces: (names) => readPieces(select, names),
    listPieces: (options) => readPieceNames(select, options),
    range: (prefix, options) => readRange(select, prefix, options),
    grouped: (prefix, delimiter, options) => readGrouped(select, prefix, delimiter, options),
    async snapshot(prefixes, visit) {
      await readSnapshot(await translatingErrors(openSecondReader), prefixes, visit);
    },
    async changeToken() {
      const [row] = await select<{ data_version: number }>("PRAGMA data_version");
      return String(row?.data_version);
    },
    async checkIntegrity() {
      const found = await select<{ integrity_check: string }>("PRAGMA integrity_check");
      return found.map((row) => row.integrity_check).filter((line) => line !== "ok" && !isAboutIndex(line));
    },
    isInPlace: () => translatingErrors(() => database.isInPlace()),
    async close() {
      await feeder.stop();
      await ended();
      try {
        if (hasWritten()) await emptyWal(changer);
        // The last connection that closes checkpoints the WAL and syncs. That must happen in the thread.
        await reader.keyv.disconnect();
        await indexReader.begun()?.then((connection) => connection.close());
        await changer.close();
        await writer.begun()?.then(({ keyv }) => keyv.disconnect());
      } finally {
        stopWatching();
      }
    },
  };
}

/** @throws Error for a change that no caller may ask for */
function toStoreChange(rows: readonly RowChange[], { put = [], drop = [] }: PieceChanges): StoreChange {
  if (new Set(rows.map(({ key }) => key)).size < rows.length) throw new Error("a change contains a key twice");
  const texts = [...rows.flatMap(({ key, old, next }) => [key, old, next]), ...put.map(({ name }) => name), ...drop];
  // The prebuilt driver would cut such a text off at the NUL.
  if (texts.some((text) => text?.includes("\0"))) throw new Error("a change contains a text with NUL");
  return { rows, put, drop };
}

/** Runs a write while the database is still at its path. @throws ArtifactError `store_replaced` otherwise */
async function checkedWrite<Result>(database: DatabaseFile, write: () => Promise<Result>): Promise<Result> {
  return translatingErrors(async () => {
    await database.checkBeforeWrite();
    return unlessReplaced(database, async () => {
      const result = await write();
      await database.checkAfterWrite();
      return result;
    });
  });
}

/** Runs work that may open a connection. @throws ArtifactError `store_replaced` if it has found another file or none */
async function unlessReplaced<Result>(database: DatabaseFile, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isGone = errorCodeOf(error) === "SQLITE_MOVED" || errorCodeOf(error) === "SQLITE_CANTOPEN";
    if (isGone && !(await database.isInPlace())) throw storeReplaced(error);
    throw error;
  }
}

/**
 * Rejects a row that reads as a change expects it but is stored differently: its bytes are not valid text, or its value
 * is missing. Such a change can never be made, and a retry would loop.
 *
 * @throws ArtifactError `corrupt`
 */
async function rejectDamagedRows(select: Select, rows: readonly RowChange[]): Promise<void> {
  for (const { key, old } of rows) {
    const value = old === undefined ? null : wrap(old);
    const sql = `SELECT value, value = $1 AS isEqual FROM ${table} WHERE key = $2`;
    const [row] = await select<{ value: unknown; isEqual: number | null }>(sql, value, key);
    if (row === undefined || row.value !== value || row.isEqual === 1) continue;
    throw new ArtifactError(
      "corrupt",
      `The metadata row ${JSON.stringify(key)} is damaged: its stored bytes differ from the text that they read as. Nothing was changed.`,
      { next: "restore_backup", details: { row: key } },
    );
  }
}

/** Makes a value with the first `get`. If that fails, the next `get` tries again. */
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
