import { prefixUpperBound } from "../../../store/model/key-order.js";
import { artifactKey, artifactPrefix } from "../../../store/model/row-keys.js";
import type { SearchQuery } from "../../../store/ports/artifact-index.js";
import type { SqliteValue } from "../database/connection.js";
import { allOf, type Clause, clause } from "./clause.js";
import { foldText } from "./fold-text.js";
import { type IndexedTexts, metadataOf, searchedText } from "./index-tokens.js";

/** SQLite orders every blob after every text. */
const aboveAllKeys = new Uint8Array(1);

/** The rows of a bucket whose keys begin with `prefix`. */
export function rowsUnder(bucket: string, prefix: string): Clause {
  const lowest = artifactKey(bucket, prefix);
  const below: SqliteValue = prefixUpperBound(lowest) ?? aboveAllKeys;
  return clause("row_key >= ? AND row_key < ?", lowest, below);
}

/**
 * The texts that begin with `beginning`, which ends inside a bucket's name, and go on as a bucket's name can begin. A
 * bucket that is named exactly like that, or goes on with a dot, is not among them.
 */
export function namesUnder(column: "row_key" | "name" | "key", beginning: string): Clause {
  // A line break sorts behind the tab that ends a bucket's name, and before all characters of names. "/" follows ".".
  const below: SqliteValue = prefixUpperBound(beginning) ?? aboveAllKeys;
  return allOf([
    clause(`${column} > ?`, `${beginning}\n`),
    clause(`${column} < ?`, below),
    clause(`NOT (${column} >= ? AND ${column} < ?)`, `${beginning}.`, `${beginning}/`),
  ]);
}

/** The rows of the artifacts in the buckets whose names begin with a prefix. */
export const rowsOfPrefix = (bucketPrefix: string): Clause => namesUnder("row_key", artifactPrefix + bucketPrefix);

/** The artifacts that have not expired. SQLite chooses no index for a column with a `+`. */
export const isAlive = (now: number): Clause => clause("(+expires_at IS NULL OR +expires_at > ?)", now);

/** The conditions that one of the ordinary indexes can answer, by that index. */
export interface Ranges {
  readonly row: readonly Clause[];
  readonly bucket: readonly Clause[];
  readonly time: readonly Clause[];
  readonly size: readonly Clause[];
}

export function rangesOf(query: SearchQuery): Ranges {
  const { bucket_prefix = "", prefix = "", created_after, created_before, min_bytes, max_bytes } = query;
  const bucket = query.bucket === undefined ? undefined : bucket_prefix + query.bucket;
  const bound = (column: string, operator: string, value: number | undefined): Clause[] =>
    value === undefined ? [] : [clause(`${column} ${operator} ?`, value)];
  return {
    row: rowsOf(bucket_prefix, bucket, prefix),
    bucket: bucket === undefined ? [] : [clause("bucket = ?", bucket)],
    time: [...bound("created_at", ">=", created_after), ...bound("created_at", "<=", created_before)],
    size: [...bound("bytes", ">=", min_bytes), ...bound("bytes", "<=", max_bytes)],
  };
}

function rowsOf(bucketPrefix: string, bucket: string | undefined, prefix: string): Clause[] {
  if (bucket !== undefined) return [rowsUnder(bucket, prefix)];
  return bucketPrefix === "" ? [] : [rowsOfPrefix(bucketPrefix)];
}

/** All conditions that SQL can check. They must not change which index SQLite chooses, so their columns have a `+`. */
export function filtersOf(query: SearchQuery): Clause[] {
  const { row, time, size } = rangesOf(query);
  const plain = [...row, ...time, ...size].map(({ sql, values }) =>
    clause(sql.replaceAll(/\b(\w+) ([<>])/g, "+$1 $2"), ...values),
  );
  return [...plain, ...typeFilter(query), ...prefixFilter(query), isAlive(query.now)];
}

function typeFilter({ mime_type }: SearchQuery): Clause[] {
  if (mime_type === undefined) return [];
  const type = mime_type.toLowerCase();
  if (!type.endsWith("/*")) return [clause("mime_type = ?", type)];
  const kind = type.slice(0, -1);
  return [clause("substr(mime_type, 1, ?) = ?", kind.length, kind)];
}

/** Without a bucket, the beginning of the keys is no range of rows. */
function prefixFilter({ bucket, prefix }: SearchQuery): Clause[] {
  if (bucket !== undefined || prefix === undefined || prefix === "") return [];
  const points = [...prefix].length;
  return [clause(`substr(row_key, length('${artifactKey("", "")}') + length(bucket) + 1, ?) = ?`, points, prefix)];
}

/** Returns a check of the conditions that SQL cannot check: the words, and the pairs of the metadata. */
export function textCheckOf({ words, metadata = {}, bucket_prefix = "" }: SearchQuery): (row: IndexedTexts) => boolean {
  const folded = words.map(foldText).filter((word) => word !== "");
  const pairs = Object.entries(metadata);
  return (row) => {
    if (pairs.length > 0) {
      const found = metadataOf(row);
      if (!pairs.every(([name, value]) => Object.hasOwn(found, name) && found[name] === value)) return false;
    }
    if (folded.length === 0) return true;
    const text = searchedText(row, bucket_prefix);
    return folded.every((word) => text.includes(word));
  };
}
