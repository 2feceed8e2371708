import { forEachOf } from "../for-each-of.js";
import { decodeCursor, encodeCursor } from "../model/cursor.js";
import { ArtifactError } from "../model/errors.js";
import { hasExpired } from "../model/expiry.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKeyPrefix } from "../model/names/key-name.js";
import type { Version } from "../model/records.js";
import type { IndexedKey } from "../ports/artifact-index.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Ender } from "../publication/ender.js";
import { versionsOf } from "../publication/key-versions.js";
import { type Quota, storedIn } from "../publication/quota.js";
import type { KeyRows } from "../rows.js";
import { unknownBucket } from "./artifact-listings.js";

export interface DeleteUnder {
  readonly bucket: string;
  /** The beginning of the keys. Empty: the whole bucket. */
  readonly prefix: string;
  /** From the answer of the same call without it. */
  readonly confirm?: string | undefined;
}

export interface DeleteUnderOptions {
  /** The name that the caller gave itself, for the log. */
  readonly by?: string | undefined;
  /** Ends the deletion. The same `confirm` continues it. */
  readonly signal?: AbortSignal | undefined;
  /** Artifacts that were deleted by this call, and those that matched at first. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What a deletion would delete. Nothing is deleted yet. */
export interface MatchedUnder {
  readonly artifacts: number;
  /** Bytes of all their versions. */
  readonly bytes: number;
  /** Deletes what matches now. Absent, as the keys are, if nothing does. */
  readonly confirm?: string;
  /** The first matching keys in their order, 3 at most. */
  readonly first_keys?: readonly string[];
  /** The last ones in their order, 3 at most, without those that are among the first. */
  readonly last_keys?: readonly string[];
}

export interface DeletedUnder {
  /** Artifacts that this call has deleted, with all their versions. */
  readonly deleted: number;
  readonly bytes: number;
  /** Artifacts under the prefix that were saved since they were counted. They stay. */
  readonly kept: number;
}

export interface PrefixDeletionDependencies {
  readonly metadata: MetadataStore;
  readonly ender: Ender;
  readonly quota: Quota;
  readonly nowSeconds: () => number;
  /** The id of the store, which no other store has. */
  readonly storeId: () => Promise<string>;
  /** What the store has in front of each bucket that is named here. */
  readonly bucketPrefix: string;
}

const pageKeys = 100;
/** Keys from either end that a caller sees before the deletion. */
const namedKeys = 3;
/** Deletions that run at once. The changes that wait for each other share a transaction. */
const maxRunning = 8;

/** Deletes the artifacts under a prefix, after the caller has seen how many they are. */
export class PrefixDeletion {
  readonly #dependencies: PrefixDeletionDependencies;

  constructor(dependencies: PrefixDeletionDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Without `confirm`: counts the artifacts under a prefix. With it: deletes those that were counted, and nothing that
   * was saved since. The same `confirm` can be given again, and goes on after a crash; any process honours it for the
   * same bucket of the same store. A restored store is another one, and so is a bucket under another prefix.
   *
   * @throws ArtifactError `bucket_not_found` if a bucket holds nothing to count; `invalid_argument` if `confirm` is not of this bucket and prefix. The reason of the signal if
   * it was aborted
   */
  async run(wanted: DeleteUnder, options: DeleteUnderOptions = {}): Promise<MatchedUnder | DeletedUnder> {
    const { bucket, confirm } = wanted;
    checkBucket(bucket);
    const prefix = toKeyPrefix(wanted.prefix);
    return confirm === undefined ? this.#match(bucket, prefix) : this.#delete(bucket, prefix, confirm, options);
  }

  async #match(bucket: string, prefix: string): Promise<MatchedUnder> {
    const { metadata, nowSeconds } = this.#dependencies;
    const { artifacts, bytes, last } = await metadata.matching(bucket, prefix, nowSeconds());
    if (artifacts === 0) {
      if ((await this.#keys(bucket, "", { last: Number.MAX_SAFE_INTEGER, limit: 1 })).length === 0) {
        throw unknownBucket(bucket);
      }
      return { artifacts, bytes };
    }
    const first_keys = await this.#keys(bucket, prefix, { last, limit: namedKeys });
    const ends = await this.#keys(bucket, prefix, { last, limit: namedKeys, fromEnd: true });
    const last_keys = ends.filter((key) => !first_keys.includes(key)).reverse();
    const confirm = encodeCursor(await this.#scopeOf(bucket, prefix), `${last} ${artifacts}`);
    return { artifacts, bytes, confirm, first_keys, last_keys };
  }

  /**
   * What a `confirm` is for. Elsewhere its number would mean other artifacts. The client gets only a digest of it.
   *
   * @throws ArtifactError `store_replaced`
   */
  async #scopeOf(bucket: string, prefix: string): Promise<readonly string[]> {
    const { storeId, bucketPrefix } = this.#dependencies;
    return ["delete", await storeId(), bucketPrefix + bucket, prefix];
  }

  async #keys(bucket: string, prefix: string, options: Parameters<MetadataStore["keysUnder"]>[2]): Promise<string[]> {
    const { metadata, nowSeconds } = this.#dependencies;
    return (await metadata.keysUnder(bucket, prefix, { ...options, now: nowSeconds() })).map(({ key }) => key);
  }

  async #delete(bucket: string, prefix: string, confirm: string, options: DeleteUnderOptions): Promise<DeletedUnder> {
    const { metadata, nowSeconds } = this.#dependencies;
    const { last, artifacts } = readConfirm(await this.#scopeOf(bucket, prefix), confirm);
    let deleted = 0;
    let bytes = 0;
    let after: string | undefined;
    do {
      const page = await metadata.keysUnder(bucket, prefix, { last, limit: pageKeys, after });
      await forEachOf(page, maxRunning, async (found) => {
        options.signal?.throwIfAborted();
        const freed = await this.#deleteKey(found, options.by);
        if (freed === undefined) return;
        deleted += 1;
        bytes += freed;
        options.onProgress?.(deleted, Math.max(deleted, artifacts));
      });
      after = page.length < pageKeys ? undefined : page.at(-1)?.key;
    } while (after !== undefined);
    const left = await metadata.matching(bucket, prefix, nowSeconds());
    return { deleted, bytes, kept: left.artifacts };
  }

  /** Deletes a key if its newest version is still the one that was found. Returns the bytes of its versions. */
  async #deleteKey({ bucket, key, version }: IndexedKey, by: string | undefined): Promise<number | undefined> {
    const { ender, quota, nowSeconds } = this.#dependencies;
    const choose = (rows: KeyRows): readonly Version[] => {
      const versions = versionsOf(rows);
      const [newest] = versions;
      // An expired key did not match. A sweep frees it.
      return newest?.version === version && !hasExpired(newest, nowSeconds()) ? versions : [];
    };
    const deleted = await ender.deleteVersions(bucket, key, choose, by);
    if (deleted.length === 0) return undefined;
    const bytes = deleted.reduce((sum, version) => sum + version.bytes, 0);
    quota.freed(storedIn(bucket, bytes));
    return bytes;
  }
}

/** @throws ArtifactError `invalid_argument` */
function readConfirm(scope: readonly string[], confirm: string): { last: number; artifacts: number } {
  try {
    const [last, artifacts] = (decodeCursor(scope, confirm) ?? "").split(" ").map(Number);
    if (last !== undefined && artifacts !== undefined) return { last, artifacts };
  } catch (cause) {
    if (!(cause instanceof ArtifactError)) throw cause;
  }
  const message =
    "confirm does not belong to this bucket and prefix. Nothing was deleted: call without confirm first, and pass the one that it answers.";
  throw new ArtifactError("invalid_argument", message, { details: { argument: "confirm" } });
}
