import { prefixUpperBound } from "../../../store/model/key-order.js";
import { openPrefix } from "../../../store/model/records.js";
import { artifactKey, partsOf } from "../../../store/model/row-keys.js";
import type {
  ArtifactIndex,
  BucketSummary,
  IndexedKey,
  MatchingArtifacts,
} from "../../../store/ports/artifact-index.js";
import type { StoreSize } from "../../../store/ports/store-size.js";
import type { Query } from "../database/connection.js";
import { table } from "../database/keyv-rows.js";
import { allOf, type Clause, clause } from "./clause.js";
import { isAlive, namesUnder, rowsOfPrefix, rowsUnder } from "./search-conditions.js";

/** Implements `ArtifactIndex.buckets`: the kept sums without the artifacts that have expired. */
export function readBuckets(
  query: Query,
  { prefix, now, limit, after, bucket_prefix = "" }: Parameters<ArtifactIndex["buckets"]>[0],
): readonly BucketSummary[] {
  const beginning = bucket_prefix + prefix;
  const below = prefixUpperBound(beginning);
  const { sql, values } = allOf([
    clause("name >= ?", beginning),
    ...(below === undefined ? [] : [clause("name < ?", below)]),
    ...(after === undefined ? [] : [clause("name > ?", bucket_prefix + after)]),
    ...(bucket_prefix === "" ? [] : [namesUnder("name", bucket_prefix)]),
  ]);
  // Sums are read as REAL, because a driver refuses an integer that JavaScript cannot represent.
  return query<BucketSummary>(
    `WITH expired AS (
      SELECT bucket, count(*) AS artifacts, total(bytes) AS bytes
      FROM index_newest INDEXED BY index_by_expiry WHERE expires_at <= ? GROUP BY bucket
    )
    SELECT name, kept.artifacts - coalesce(expired.artifacts, 0) AS artifacts,
      CAST(kept.bytes AS REAL) - coalesce(expired.bytes, 0) AS bytes,
      (SELECT created_at FROM index_newest INDEXED BY index_by_bucket
       WHERE bucket = name AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at DESC LIMIT 1) AS newest_at
    FROM index_buckets AS kept LEFT JOIN expired ON expired.bucket = kept.name
    WHERE ${sql} AND kept.artifacts > coalesce(expired.artifacts, 0) ORDER BY name LIMIT ?`,
    [now, now, ...values, limit],
  ).map(({ name, ...sums }) => ({ name: name.slice(bucket_prefix.length), ...sums }));
}

/** Implements `ArtifactIndex.matching`. */
export function countMatching(query: Query, bucket: string, prefix: string, now: number): MatchingArtifacts {
  const { sql, values } = allOf([rowsUnder(bucket, prefix), isAlive(now)]);
  const [found] = query<MatchingArtifacts>(
    `SELECT count(*) AS artifacts, total(all_bytes) AS bytes, coalesce(max(id), 0) AS last FROM index_newest WHERE ${sql}`,
    values,
  );
  return found ?? { artifacts: 0, bytes: 0, last: 0 };
}

export type NumberedRow = Pick<IndexedKey, "version" | "id"> & { readonly row_key: string };

/** Implements `ArtifactIndex.keysUnder`. */
export function readKeysUnder(
  query: Query,
  bucket: string,
  prefix: string,
  { last, limit, after, fromEnd, now }: Parameters<ArtifactIndex["keysUnder"]>[2],
): readonly IndexedKey[] {
  const rest: Clause[] = after === undefined ? [] : [clause("row_key > ?", artifactKey(bucket, after))];
  if (now !== undefined) rest.push(isAlive(now));
  const order = fromEnd ? "DESC" : "ASC";
  const { sql, values } = allOf([rowsUnder(bucket, prefix), clause("+id <= ?", last), ...rest]);
  return query<NumberedRow>(
    `SELECT row_key, version, id FROM index_newest WHERE ${sql} ORDER BY row_key ${order} LIMIT ?`,
    [...values, limit],
  ).map((row) => toKey(row));
}

/** Implements `ArtifactIndex.expired`. */
export function readExpired(
  query: Query,
  now: number,
  { skip, limit, bucket_prefix = "" }: Parameters<ArtifactIndex["expired"]>[1],
): readonly IndexedKey[] {
  const { sql, values } = allOf([
    clause("expires_at <= ?", now),
    ...(bucket_prefix === "" ? [] : [rowsOfPrefix(bucket_prefix)]),
  ]);
  return query<NumberedRow>(
    `SELECT row_key, version, id FROM index_newest INDEXED BY index_by_expiry
    WHERE ${sql} ORDER BY expires_at, id LIMIT ? OFFSET ?`,
    [...values, limit, skip],
  ).map((row) => toKey(row, bucket_prefix));
}

export function toKey({ row_key, version, id }: NumberedRow, bucketPrefix = ""): IndexedKey {
  const [, bucket = ""] = partsOf(row_key);
  const key = row_key.slice(artifactKey(bucket, "").length);
  return { bucket: bucket.slice(bucketPrefix.length), key, version, id };
}

/**
 * Reads what `MetadataStore.size` answers, without the disk. The sums of buckets are kept, and the pages are in the header
 * of the file. Only unfinished uploads are counted, and these are few.
 */
export function readStoreSize(query: Query, bucketPrefix: string): Omit<StoreSize, "freeDiskBytes"> {
  const whole = bucketPrefix === "";
  const uploads = whole
    ? clause("key >= ? AND key < ?", openPrefix(), prefixUpperBound(openPrefix()) ?? "")
    : namesUnder("key", openPrefix() + bucketPrefix);
  const buckets = whole ? clause("true") : namesUnder("name", bucketPrefix);
  const [size] = query<Omit<StoreSize, "freeDiskBytes">>(
    `SELECT count(*) AS buckets, total(artifacts) AS artifacts, total(bytes) AS newestBytes,
      total(all_bytes) AS bytes,
      (SELECT count(*) FROM ${table} WHERE ${uploads.sql}) AS openUploads,
      (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS databaseBytes,
      (SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size) AS freeDatabaseBytes
    FROM index_buckets WHERE ${buckets.sql}`,
    [...uploads.values, ...buckets.values],
  );
  if (size === undefined) throw new Error("a sum has no row");
  return size;
}
