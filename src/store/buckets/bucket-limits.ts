import { ArtifactError } from "../model/errors.js";
import { bucketLimitsMs } from "../model/limits.js";
import { type BucketRecord, type BucketRow, bucketIn, bucketPrefix, parseBucketRow } from "../model/records.js";
import type { Log } from "../ports/log.js";
import { type MetadataStore, rowsUnder } from "../ports/metadata-store.js";
import type { StoreClock } from "../publication/store-clock.js";
import { unfinishedBytesIn } from "./unfinished-bytes.js";

export interface BucketLimitsDependencies {
  readonly metadata: Pick<MetadataStore, "range" | "getMany" | "bucketUse">;
  /** Milliseconds that only go forward. */
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly clock: Pick<StoreClock, "nowSeconds" | "latestSeconds" | "knownSeconds">;
}

const pageRows = 1_000;

/**
 * The limits of all buckets, as this process knows them. They are read again when somebody asks and they are older than
 * `bucketLimitsMs`, so most calls read nothing.
 */
export class BucketLimits {
  readonly #dependencies: BucketLimitsDependencies;
  #known: ReadonlyMap<string, BucketRecord> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(dependencies: BucketLimitsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The most bytes that a bucket may hold; undefined without a limit. A promise only if the rows have to be read. */
  maxBytesOf(bucket: string): number | undefined | Promise<number | undefined> {
    const known = (): number | undefined => this.#known.get(bucket)?.max_bytes;
    const isFresh = this.#dependencies.monotonicMs() - this.#readAtMs < bucketLimitsMs;
    return isFresh ? known() : this.#readOnce().then(known);
  }

  /**
   * The time at which a version of this bucket is made, in unix seconds. Where an age begins with it, it is never behind
   * what a trusted clock has seen: by a clock that is behind, a new version would be too old at once.
   */
  createdAt(bucket: string): number {
    const { clock } = this.#dependencies;
    return this.#known.get(bucket)?.max_age === undefined ? clock.nowSeconds() : clock.knownSeconds();
  }

  /**
   * Bytes that count against `max_bytes`: of all versions and of unfinished uploads. The index knows the sum of all
   * versions, so this costs only as much as the bucket has unfinished uploads.
   */
  async bytesIn(bucket: string): Promise<number> {
    const { metadata } = this.#dependencies;
    const unfinished = await unfinishedBytesIn(metadata, bucket);
    // An upload that is published in between is counted twice. In the other order it would not be counted.
    return (await metadata.bucketUse(bucket)).bytes + unfinished;
  }

  /**
   * Reads the rows now. A row that cannot be read is logged and left out: its bucket has no limits, and nothing in it is
   * deleted, until `verify` has repaired it.
   */
  async read(): Promise<readonly BucketRow[]> {
    const { metadata, monotonicMs, log, clock } = this.#dependencies;
    const at = monotonicMs();
    const rows: BucketRow[] = [];
    for await (const row of rowsUnder(metadata, bucketPrefix, pageRows)) {
      try {
        rows.push(parseBucketRow(row));
      } catch (error) {
        if (!(error instanceof ArtifactError)) throw error;
        log("warn", "bucket_limits_not_read", { bucket: bucketIn(row.key), error: error.message });
      }
    }
    if (rows.some(({ value }) => value.max_age !== undefined)) await clock.latestSeconds(); // `createdAt` needs it
    this.#known = new Map(rows.map(({ key, value }) => [bucketIn(key), value]));
    this.#readAtMs = at;
    return rows;
  }

  /** Calls at the same time share one reading. */
  #readOnce(): Promise<void> {
    this.#reading ??= this.read()
      .then(() => undefined)
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }
}
