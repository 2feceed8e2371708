import { ArtifactError } from "../../store/model/errors.js";
import type { Log } from "../../store/ports/log.js";
import type { Entry, MetadataStore, StoredRow } from "../../store/ports/metadata-store.js";
import { engineError } from "../engine-error.js";
import { createReplace, type InTurn } from "./compare-and-set.js";
import type { ConnectionOptions, SqliteConnection } from "./connection.js";
import { loadSqliteDriver } from "./driver.js";
import { busyTimeoutMs, connectKeyv } from "./keyv-connection.js";
import { table, unwrap, wrap } from "./keyv-rows.js";
import { sharedSqliteThread } from "./sqlite-thread.js";
import { connectionUri } from "./sqlite3.js";

export interface KeyvMetadataStore extends MetadataStore {
  /** Lets running writes end, then closes the file. */
  close(): Promise<void>;
}

/**
 * The log of the writes begins anew past this many pages, of 4 KiB. On a full disk every deletion makes it longer
 * before it frees anything, and so does moving it into the database: both fit in the reserve.
 */
const logPages = 64;
/** A connection that writes. The file is there by then: one that was removed is not made anew, empty. */
const writing: ConnectionOptions = {
  mustExist: true,
  busyTimeoutMs,
  pragmas: ["synchronous=FULL", `wal_autocheckpoint=${logPages}`],
};
/** Keys are of `A-Z a-z 0-9 _ - . / :`: behind a prefix, these come after and before every character that goes on. */
const aboveAllKeys = "~";
const belowAllKeys = " ";
const keyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:";

/**
 * Metadata in Keyv over SQLite, shared by any number of processes. Reads by key and writes without a condition are
 * Keyv's; compare-and-set and ordered pages, which Keyv has not, are single statements.
 *
 * Reads run in the caller's thread, where they wait for nothing. Writes run in `sharedSqliteThread`, which is started
 * after the first of them: a server that only reads never has it.
 *
 * A row's text is kept in Keyv's own envelope, `{"value":<text>}`, so any Keyv reads it.
 *
 * @param file path of the database, made where there is none
 */
export async function openKeyvMetadataStore(file: string, log: Log): Promise<KeyvMetadataStore> {
  const reader = await connectKeyv(connectionUri(file, "local"), log); // makes the file and the table
  await reader.adapter.query("PRAGMA journal_mode=WAL");
  await reader.adapter.query("PRAGMA query_only=ON");
  const stopWatching = sharedSqliteThread.onEnd((error) =>
    log("error", "sqlite_thread_ended", { error: String(error) }),
  );

  const { inTurn, ended, hasWritten } = createTurns();
  const writer = lazily(async () => {
    // Keyv makes the table where there is none: a database that has lost it must not look like an empty one.
    await select(`SELECT 1 FROM ${table} LIMIT 1`);
    return connectKeyv(connectionUri(file, "thread", writing), log);
  });
  const changer = sharedSqliteThread.connect(file, writing);
  const replace = createReplace(inTurn, (sql, values) => changer.all(sql, values));

  const select = <Found>(sql: string, ...values: unknown[]): Promise<Found[]> =>
    asEngine(() => reader.adapter.query(sql, ...values));

  /** Whether a row reads as `value`, and is another to the database: its bytes are no text. */
  async function isIncomparable(key: string, value: string): Promise<boolean> {
    const sql = `SELECT value, value = $1 AS isEqual FROM ${table} WHERE key = $2`;
    const [row] = await select<StoredValue & { isEqual: number }>(sql, value, key);
    return row !== undefined && row.value === value && row.isEqual === 0;
  }

  return {
    get: (key) => asEngine(() => reader.keyv.get<string>(key)),
    getMany: (keys) => asEngine(() => reader.keyv.getMany<string>([...keys])),
    async put(key, text) {
      await inTurn(async () => {
        const { keyv } = await writer.get();
        await keyv.set(key, text);
      });
    },
    async drop(key) {
      await inTurn(async () => {
        const { keyv } = await writer.get();
        await keyv.delete(key);
      });
    },
    async replace(key, old, next, guard) {
      if (await replace(key, old, next, guard)) return true;
      if (old !== undefined && (await isIncomparable(key, wrap(old)))) throw incomparable(key);
      return false;
    },
    async range(prefix, { after, limit }) {
      const sql = `SELECT key, value FROM ${table} WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3`;
      const from = after === undefined ? prefix : after + belowAllKeys;
      const found = await select<StoredValue>(sql, from, prefix + aboveAllKeys, limit);
      return found.map(toRow);
    },
    async grouped(prefix, delimiter, { after, limit }) {
      const others = keyCharacters.replace(delimiter, "");
      // A group is passed over with all that is in it.
      const isGroup = after?.slice(prefix.length).endsWith(delimiter);
      const from = after === undefined ? prefix : after + (isGroup ? aboveAllKeys : belowAllKeys);
      const end = prefix + aboveAllKeys;
      const found = await select<StoredGroup>(groupedPage, prefix.length, others, from, end, limit, aboveAllKeys);
      return found.map(({ key, value, taken }): Entry => {
        return value === null ? { group: key.slice(0, taken) } : { row: toRow({ key, value }) };
      });
    },
    async changeToken() {
      const [row] = await select<{ data_version: number }>("PRAGMA data_version");
      return String(row?.data_version);
    },
    async checkIntegrity() {
      const found = await select<{ integrity_check: string }>("PRAGMA integrity_check");
      return found.map((row) => row.integrity_check).filter((line) => line !== "ok");
    },
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
    const result = last.then(() => asEngine(write));
    last = result.catch(() => undefined); // the caller has it; the next write only waits
    return result;
  };
  return { inTurn, ended: () => last, hasWritten: () => hasWritten };
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

interface StoredValue {
  readonly key: string;
  readonly value: string;
}
interface StoredGroup {
  readonly key: string;
  readonly value: string | null;
  readonly taken: number;
}

const toRow = ({ key, value }: StoredValue): StoredRow => ({ key, text: unwrap(value) });

/** Its bytes are none that a text could be read from and compared with again: who tries once more would do so for ever. */
function incomparable(row: string): ArtifactError {
  return new ArtifactError(
    "corrupt",
    `The metadata row ${row} is damaged: it is not stored as it reads. Nothing was changed; the person who runs this server has to restore it from a backup or remove it.`,
    { row },
  );
}

/** How much of an entry's key is its group, delimiter included; 0 where it is in none. */
const rest = "ltrim(substr(entry.key, skip + 1), others)";
const taken = `CASE WHEN ${rest} = '' THEN 0 ELSE length(entry.key) - length(${rest}) + 1 END`;

/**
 * One step an entry, each a seek in the index: behind a group, the next step begins above all of it.
 * $1 the prefix's length, $2 every character but the delimiter, $3 begin at, $4 end below, $5 how many,
 * $6 above all keys. `ltrim` with $2 leaves what begins with the first delimiter.
 */
const groupedPage = `
WITH RECURSIVE
  bounds(skip, others, lowest, below, most, top) AS (SELECT $1, $2, $3, $4, $5, $6),
  entry(key, step) AS (
    SELECT (SELECT min(first.key) FROM ${table} AS first WHERE first.key >= lowest AND first.key < below), 1 FROM bounds
    UNION ALL
    SELECT (
      SELECT min(later.key) FROM ${table} AS later
      WHERE later.key > CASE WHEN ${rest} = '' THEN entry.key ELSE substr(entry.key, 1, ${taken}) || top END
        AND later.key < below
    ), step + 1
    FROM entry CROSS JOIN bounds WHERE entry.key IS NOT NULL AND step < most
  )
SELECT entry.key AS key, ${taken} AS taken, found.value AS value
FROM entry CROSS JOIN bounds LEFT JOIN ${table} AS found ON ${rest} = '' AND found.key = entry.key
WHERE entry.key IS NOT NULL ORDER BY step`;
