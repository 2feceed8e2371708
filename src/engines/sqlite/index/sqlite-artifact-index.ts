import type { ArtifactIndex } from "../../../store/ports/artifact-index.js";
import { translatingErrors } from "../../engine-error.js";
import type { LocalConnection, Query } from "../database/connection.js";
import { countAged, readAged, readBucketUse } from "./bucket-contents.js";
import { checkIndex } from "./check-index.js";
import { batchSize } from "./feed-index.js";
import { countMatching, readBuckets, readExpired, readKeysUnder } from "./index-summaries.js";
import type { IndexWork } from "./maintain-index.js";
import { searchIndex } from "./search-index.js";

export interface SqliteIndexDependencies {
  /** A connection that only reads. It is opened by the first call. */
  readonly reader: () => Promise<LocalConnection>;
  /** Does work in a turn of the writer. @returns how many artifacts were added to the full-text tables */
  readonly maintain: (work: IndexWork) => Promise<number>;
}

/** The index of artifacts in the database of the rows. */
export function createSqliteArtifactIndex({ reader, maintain }: SqliteIndexDependencies): ArtifactIndex {
  const read = <Result>(work: (query: Query) => Result): Promise<Result> =>
    translatingErrors(async () => (await reader()).readSnapshot(work));
  return {
    search: (wanted) => read((query) => searchIndex(query, wanted)),
    buckets: (options) => read((query) => readBuckets(query, options)),
    matching: (bucket, prefix, now) => read((query) => countMatching(query, bucket, prefix, now)),
    keysUnder: (bucket, prefix, options) => read((query) => readKeysUnder(query, bucket, prefix, options)),
    expired: (now, options) => read((query) => readExpired(query, now, options)),
    bucketUse: (bucket) => read((query) => readBucketUse(query, bucket)),
    aged: (bucket, until, options) => read((query) => readAged(query, bucket, until, options)),
    countAged: (bucket, until) => read((query) => countAged(query, bucket, until)),
    checkIndex: () => read(checkIndex),
    async rebuildIndex() {
      await maintain({ kind: "make" });
      // A batch that is not full was the last one. To wait for an empty one could take forever in a busy store.
      while ((await maintain({ kind: "feed", all: true })) === batchSize);
    },
  };
}
