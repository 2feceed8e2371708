import type { AgedKey, ArtifactIndex, BucketUse } from "../../../store/ports/artifact-index.js";
import type { Query } from "../database/connection.js";
import { allOf, type Clause, clause } from "./clause.js";
import { type NumberedRow, toKey } from "./index-summaries.js";

const nothing: BucketUse = { artifacts: 0, bytes: 0 };

/** Implements `ArtifactIndex.bucketUse`. The sum is read as REAL, as that of `readBuckets`. */
export function readBucketUse(query: Query, bucket: string): BucketUse {
  const [found] = query<BucketUse>(
    "SELECT artifacts, CAST(all_bytes AS REAL) AS bytes FROM index_buckets WHERE name = ?",
    [bucket],
  );
  return found ?? nothing;
}

/** The keys of a bucket whose newest version was made at a time or before. `index_by_bucket` has them in their order. */
const until = (bucket: string, time: number): Clause[] => [
  clause("bucket = ?", bucket),
  clause("created_at <= ?", time),
];

/** Implements `ArtifactIndex.aged`. */
export function readAged(
  query: Query,
  bucket: string,
  time: number,
  { limit, after }: Parameters<ArtifactIndex["aged"]>[2],
): readonly AgedKey[] {
  const rest = after === undefined ? [] : [clause("(created_at, id) > (?, ?)", after.created_at, after.id)];
  const { sql, values } = allOf([...until(bucket, time), ...rest]);
  return query<NumberedRow & { readonly created_at: number }>(
    `SELECT row_key, version, id, created_at FROM index_newest INDEXED BY index_by_bucket
    WHERE ${sql} ORDER BY created_at, id LIMIT ?`,
    [...values, limit],
  ).map((row) => ({ ...toKey(row), created_at: row.created_at }));
}

/** Implements `ArtifactIndex.countAged`. */
export function countAged(query: Query, bucket: string, time: number): BucketUse {
  const { sql, values } = allOf(until(bucket, time));
  const [found] = query<BucketUse>(
    `SELECT count(*) AS artifacts, total(all_bytes) AS bytes FROM index_newest INDEXED BY index_by_bucket WHERE ${sql}`,
    values,
  );
  return found ?? nothing;
}
