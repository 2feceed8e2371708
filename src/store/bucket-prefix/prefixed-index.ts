import type { ArtifactIndex } from "../ports/artifact-index.js";
import type { PrefixedRows } from "./prefixed-rows.js";

/** The index of the artifacts under a bucket prefix. The engine leaves out the other buckets, and the prefix itself. */
export function prefixedIndex(
  index: ArtifactIndex,
  rows: PrefixedRows,
  prefix: string,
): Omit<ArtifactIndex, "checkIndex" | "rebuildIndex"> {
  return {
    async search(query) {
      if (query.bucket !== undefined) rows.storedBucket(query.bucket); // refuses a bucket that is too long
      return index.search({ ...query, bucket_prefix: prefix });
    },
    buckets: (options) => index.buckets({ ...options, bucket_prefix: prefix }),
    matching: async (bucket, keys, now) => index.matching(rows.storedBucket(bucket), keys, now),
    async keysUnder(bucket, keys, options) {
      const found = await index.keysUnder(rows.storedBucket(bucket), keys, options);
      return found.map((key) => ({ ...key, bucket }));
    },
    bucketUse: async (bucket) => index.bucketUse(rows.storedBucket(bucket)),
    async aged(bucket, until, options) {
      const found = await index.aged(rows.storedBucket(bucket), until, options);
      return found.map((key) => ({ ...key, bucket }));
    },
    countAged: async (bucket, until) => index.countAged(rows.storedBucket(bucket), until),
    expired: (now, options) => index.expired(now, { ...options, bucket_prefix: prefix }),
  };
}
