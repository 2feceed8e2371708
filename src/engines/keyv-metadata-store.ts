import KeyvSqlite from "@keyv/sqlite";
import { Keyv } from "keyv";
import { ArtifactError } from "../store/errors.js";
import type { Log } from "../store/log.js";
import type { Entry, MetadataStore, StoredRow } from "../store/metadata-store.js";
import { createReplace } from "./compare-and-set.js";
import { codeOf, engineError } from "./engine-error.js";
import { table, unwrap, wrap } from "./keyv-rows.js";
import { PreparedStatements } from "./prepared-statements.js";

export interface KeyvMetadataStore extends MetadataStore {
  /** Lets running writes end, then closes the file. */
  close(): Promise<void>;
}

/** How long a statement waits for another process's write. */
const busyTimeoutMs = 15_000;
/**
 * The log of the writes begins anew past this many pages, of 4 KiB. On a full disk every deletion makes it longer
 * before it frees anything, and so does moving it into the database: both fit in the reserve.
 */
const logPages = 64;
/** What a connection that writes is told. */
const durable = ["synchronous=FULL", `wal_autocheckpoint=${logPages}`];
/** Keys are of `A-Z a-z 0-9 _ - . / :`: behind a prefix, these come after and before every character that goes on. */
const aboveAllKeys = "~";
const belowAllKeys = " ";
const keyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:";

/**
 * Metadata in Keyv over SQLite, shared by any number of processes. Reads by key and writes without a condition are
 * Keyv's; compare-and-set and ordered pages, which Keyv has not, are single statements: the pages through its
 * adapter, the changes through a connection that keeps its statements.
 *
 * A row's text is kept in Keyv's own envelope, `{"value":<text>}`, so any Keyv reads it.
 *
 * @param file path of the database, made where there is none
 */
export async function openKeyvMetadataStore(file: string, log: Log): Promise<KeyvMetadataStore> {
  const writer = await connect(file, log);
  await writeAheadLog(writer.adapter);
  const reader = await connect(file, log);
  await reader.adapter.query("PRAGMA query_only=ON");

  /** The tail of the writes: with one in flight, a busy database cannot roll back another one's. */
  let writing: Promise<unknown> = Promise.resolve();
  function inTurn<Result>(write: () => Promise<Result>): Promise<Result> {
    const result = writing.then(write).catch((error) => {
      throw engineError(error);
    });
    writing = result.catch(() => undefined); // the caller has it; the next write only waits
    return result;
  }

  const changer = new PreparedStatements(file, busyTimeoutMs, durable);
  const replace = createReplace(inTurn, (sql, values) => changer.all(sql, values));

  async function select<Found>(sql: string, ...values: unknown[]): Promise<Found[]> {
    try {
      return await reader.adapter.query(sql, ...values);
    } catch (error) {
      throw engineError(error);
    }
  }

  /** Whether a row reads as `value`, and is another to the database: its bytes are no text. */
  async function isIncomparable(key: string, value: string): Promise<boolean> {
    const sql = `SELECT value, value = $1 AS isEqual FROM ${table} WHERE key = $2`;
    const [row] = await select<StoredValue & { isEqual: number }>(sql, value, key);
    return row !== undefined && row.value === value && row.isEqual === 0;
  }

  return {
    async get(key) {
      try {
        return await reader.keyv.get<string>(key);
      } catch (error) {
        throw engineError(error);
      }
    },
    async getMany(keys) {
      try {
        return await reader.keyv.getMany<string>([...keys]);
      } catch (error) {
        throw engineError(error);
      }
    },
    async put(key, text) {
      await inTurn(() => writer.keyv.set(key, text));
    },
    async drop(key) {
      await inTurn(() => writer.keyv.delete(key));
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
      await writing;
      await changer.close();
      for (const { keyv } of [reader, writer]) await keyv.disconnect();
    },
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

async function connect(file: string, log: Log): Promise<{ keyv: Keyv; adapter: KeyvSqlite }> {
  const adapter = new KeyvSqlite({ uri: `sqlite://${file}`, table, keySize: 1024, busyTimeout: busyTimeoutMs });
  const keyv = new Keyv({
    store: adapter,
    // Prefixes and expiry stay out of the rows: the statements of this file do not see them.
    useKeyPrefix: false,
    throwOnErrors: true,
    serialize: ({ value }) => wrap(String(value)),
    deserialize: (value) => ({ value: unwrap(value) as never }),
  });
  keyv.on("error", (error) => log("debug", "metadata_error", { error: String(error) })); // its caller has it too
  await adapter.query("SELECT 1"); // a failed open must reject here, and not be left unhandled
  return { keyv, adapter };
}

/** Two processes that start at once both switch the journal, and SQLite does not wait for the lock that it needs. */
async function writeAheadLog(adapter: KeyvSqlite): Promise<void> {
  const deadline = Date.now() + busyTimeoutMs;
  for (;;) {
    try {
      await adapter.query("PRAGMA journal_mode=WAL");
      break;
    } catch (error) {
      if (codeOf(error) !== "SQLITE_BUSY" || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  for (const pragma of durable) await adapter.query(`PRAGMA ${pragma}`);
}

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
