import { type PageStart, prefixUpperBound, startAfter, startAfterEntry } from "../../store/model/key-order.js";
import type { Entry, RangeOptions, StoredRow } from "../../store/ports/metadata-store.js";
import type { SqliteValue } from "./database/connection.js";
import { table, unwrap } from "./database/keyv-rows.js";
import { pieceTable } from "./database/tables.js";

/** Runs a statement that only reads. Returns its rows. */
export type Select = <Found>(sql: string, ...values: readonly SqliteValue[]) => Promise<Found[]>;

interface StoredValue {
  readonly key: string;
  readonly value: unknown;
}
interface StoredEntry extends StoredValue {
  readonly prefix: string | null;
}

/** SQLite orders every blob after every text. */
const aboveAllKeys = new Uint8Array(1);

const upperBound = (prefix: string): SqliteValue => prefixUpperBound(prefix) ?? aboveAllKeys;
const toRow = ({ key, value }: StoredValue): StoredRow => ({ key, text: unwrap(value) });

/** Implements `MetadataStore.range`. */
export async function readRange(select: Select, prefix: string, { after, limit }: RangeOptions): Promise<StoredRow[]> {
  const start = startAfter(prefix, after);
  const found = await select<StoredValue>(rangePage(start), start.key, upperBound(prefix), limit);
  return found.map(toRow);
}

/** Implements `MetadataStore.grouped`. */
export async function readGrouped(
  select: Select,
  prefix: string,
  delimiter: string,
  { after, limit }: RangeOptions,
): Promise<Entry[]> {
  const start = startAfterEntry(prefix, delimiter, after);
  if (start === undefined || limit < 1) return [];
  const sql = groupedPage(start);
  const found = await select<StoredEntry>(sql, prefix, delimiter, start.key, upperBound(prefix), limit);
  return found.map((entry) => (entry.prefix === null ? { row: toRow(entry) } : { group: entry.prefix }));
}

/** Implements `MetadataStore.listPieces`. */
export async function readPieceNames(
  select: Select,
  { after, limit }: RangeOptions,
): Promise<{ readonly name: string; readonly bytes: number }[]> {
  const sql = `SELECT name, length(bytes) AS bytes FROM ${pieceTable} WHERE name > $1 ORDER BY name LIMIT $2`;
  return select(sql, after ?? "", limit);
}

/** Implements `MetadataStore.pieces`. */
export async function readPieces(select: Select, names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
  const sql = `SELECT name, bytes FROM ${pieceTable} WHERE name IN (SELECT value FROM json_each($1))`;
  const found = await select<{ readonly name: string; readonly bytes: Uint8Array }>(sql, JSON.stringify(names));
  const bytesOf = new Map(found.map(({ name, bytes }) => [name, bytes]));
  return names.map((name) => bytesOf.get(name));
}

const startOperator = ({ isIncluded }: PageStart): string => (isIncluded ? ">=" : ">");

/** Parameters: $1 the page starts at or after this key, $2 it ends below this key, $3 the most rows. */
export const rangePage = (start: PageStart): string =>
  `SELECT key, value FROM ${table} WHERE key ${startOperator(start)} $1 AND key < $2 ORDER BY key LIMIT $3`;

/** Position of the first delimiter after the prefix, in characters from 1; 0 if there is none. */
const at = "instr(substr(entry.key, skip + 1), delimiter)";
/** The group of an entry: its key up to and including the delimiter. */
const group = `substr(entry.key, 1, skip + ${at})`;

/**
 * Each step finds one entry by a search in the index. After a group, the next step starts above all keys of the group.
 * UTF-8 has no byte FF, so the group followed by that byte is above all its keys.
 *
 * Parameters: $1 the prefix, $2 the delimiter, $3 the page starts at or after this key, $4 it ends below this key,
 * $5 the most entries.
 */
export const groupedPage = (start: PageStart): string => `
WITH RECURSIVE
  bounds(skip, delimiter, lowest, below, most) AS (SELECT length($1), $2, $3, $4, $5),
  entry(key, step) AS (
    SELECT (
      SELECT min(first.key) FROM ${table} AS first WHERE first.key ${startOperator(start)} lowest AND first.key < below
    ), 1 FROM bounds
    UNION ALL
    SELECT (
      SELECT min(later.key) FROM ${table} AS later
      WHERE later.key > CASE ${at} WHEN 0 THEN entry.key ELSE ${group} || CAST(X'FF' AS TEXT) END
        AND later.key < below
    ), step + 1
    FROM entry CROSS JOIN bounds WHERE entry.key IS NOT NULL AND step < most
  )
SELECT entry.key AS key, CASE ${at} WHEN 0 THEN NULL ELSE ${group} END AS prefix, found.value AS value
FROM entry CROSS JOIN bounds LEFT JOIN ${table} AS found ON ${at} = 0 AND found.key = entry.key
WHERE entry.key IS NOT NULL ORDER BY step`;
