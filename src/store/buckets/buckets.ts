import { ArtifactError } from "../model/errors.js";
import { largestMaxAgeSeconds } from "../model/limits.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { type BucketRecord, bucketIn, bucketKey, parseBucketRow } from "../model/records.js";
import type { BucketUse } from "../ports/artifact-index.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { BucketLimits } from "./bucket-limits.js";
import { unfinishedBytesIn } from "./unfinished-bytes.js";

/** The limits of a bucket; null where there is none. */
export interface BucketSettings {
  /** Seconds. An artifact whose newest version is this old is deleted. */
  readonly max_age: number | null;
  /** Bytes of all versions and of unfinished uploads. New content that would go past it is refused. */
  readonly max_bytes: number | null;
}

/** A bucket with its limits, and what it holds. */
export interface Bucket extends BucketSettings {
  readonly name: string;
  readonly artifacts: number;
  /** Bytes of all versions, of expired artifacts too as long as they are there. */
  readonly bytes: number;
  readonly unfinished_bytes: number;
  /** The artifacts that are too old already, and that a server deletes within a minute; 0 without `max_age`. */
  readonly too_old: number;
}

export interface BucketsDependencies {
  readonly metadata: MetadataStore;
  readonly limits: BucketLimits;
  readonly nowSeconds: () => number;
  readonly newRevision: () => string;
}

/** The limits of buckets, and what buckets hold. */
export class Buckets {
  readonly #dependencies: BucketsDependencies;

  constructor(dependencies: BucketsDependencies) {
    this.#dependencies = dependencies;
  }

  /** A bucket, which may be empty and without limits. @throws ArtifactError `invalid_argument`, `corrupt` */
  async get(bucket: string): Promise<Bucket> {
    checkBucket(bucket);
    const text = await this.#dependencies.metadata.get(bucketKey(bucket));
    return this.#show(bucket, text === undefined ? {} : parseBucketRow({ key: bucketKey(bucket), text }).value);
  }

  /** The names of the buckets that have limits, in order. They may hold nothing. */
  async limited(): Promise<string[]> {
    return (await this.#dependencies.limits.read()).map(({ key }) => bucketIn(key));
  }

  /**
   * Sets or removes limits of a bucket, which may be empty. A limit that is not given stays. This process obeys at once,
   * every other one within a minute. No limit is changed for a content that was accepted before.
   *
   * @param wanted null removes the limit
   * @throws ArtifactError `invalid_argument`
   */
  async set(bucket: string, wanted: Partial<BucketSettings>): Promise<Bucket> {
    checkBucket(bucket);
    checkLimit("max_age", wanted.max_age, largestMaxAgeSeconds);
    checkLimit("max_bytes", wanted.max_bytes, Number.MAX_SAFE_INTEGER);
    const { metadata, limits, newRevision } = this.#dependencies;
    const key = bucketKey(bucket);
    for (;;) {
      const old = await metadata.get(key);
      const before = old === undefined ? {} : parseBucketRow({ key, text: old }).value;
      const record = withLimits(before, wanted);
      const next = isEmpty(record) ? undefined : JSON.stringify({ ...record, revision: newRevision() });
      if (next === undefined && old === undefined) break;
      if (await metadata.change([{ key, old, next }])) break;
    }
    await limits.read();
    return this.get(bucket);
  }

  async #show(name: string, { max_age, max_bytes }: BucketRecord): Promise<Bucket> {
    const { metadata, nowSeconds } = this.#dependencies;
    const { artifacts, bytes }: BucketUse = await metadata.bucketUse(name);
    const too_old = max_age === undefined ? 0 : (await metadata.countAged(name, nowSeconds() - max_age)).artifacts;
    const unfinished_bytes = await unfinishedBytesIn(metadata, name);
    return {
      name,
      max_age: max_age ?? null,
      max_bytes: max_bytes ?? null,
      artifacts,
      bytes,
      unfinished_bytes,
      too_old,
    };
  }
}

/** The limits of `before`, with those of `wanted` in their places. */
function withLimits(before: BucketRecord, wanted: Partial<BucketSettings>): BucketRecord {
  const { max_age = before.max_age, max_bytes = before.max_bytes } = wanted;
  return { ...(max_age == null ? {} : { max_age }), ...(max_bytes == null ? {} : { max_bytes }) };
}

const isEmpty = (record: BucketRecord): boolean => Object.keys(record).length === 0;

/** @throws ArtifactError `invalid_argument` */
function checkLimit(argument: keyof BucketSettings, value: number | null | undefined, most: number): void {
  if (value == null || (Number.isInteger(value) && value >= 1 && value <= most)) return;
  const message = `${argument} must be a whole number from 1 to ${most}, or null for no limit.`;
  throw new ArtifactError("invalid_argument", message, { details: { argument } });
}
