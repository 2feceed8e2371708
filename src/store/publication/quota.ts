import type { BucketLimits } from "../buckets/bucket-limits.js";
import { ArtifactError } from "../model/errors.js";
import { parseArtifactRow, parseSessionRow, sessionPrefix } from "../model/records.js";
import { artifactPrefix } from "../model/row-keys.js";
import { isUnfinished } from "../model/upload-session.js";
import type { Log } from "../ports/log.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import { bucketFull, storeFull, tooManySessions, tooMuchUnfinished } from "./quota-errors.js";
import { type CountRest, type Counts, nothing, sum, Usage } from "./usage.js";

export interface QuotaLimits {
  /** Bytes of all content, including unfinished uploads. */
  readonly maxStoreBytes: number;
  readonly maxUnfinishedBytes: number;
  readonly maxOpenSessions: number;
}

/** The amounts that a call adds or frees; 0 if absent. */
export interface Need extends Partial<Counts> {
  /** What of it lies in one bucket, for the limit of that bucket. What moves to another bucket adds nothing else. */
  readonly inBucket?: { readonly bucket: string; readonly bytes: number };
}

/** Bytes that are stored in a bucket, which count for the store too. */
export const storedIn = (bucket: string, bytes: number): Need => ({ storedBytes: bytes, inBucket: { bucket, bytes } });

/** Room that is reserved for work in progress. `markUsed` or `release` ends it. */
export interface Reservation {
  /** Reserves more. @throws ArtifactError `storage_full` if there is no room; earlier reservations stay */
  grow(need: Need): Promise<void>;
  /** Counts the reserved amounts as used. */
  markUsed(): void;
  /** Gives back what is still reserved. Does nothing after `markUsed`. */
  release(): void;
}

/** One limit, or several on the same amounts. */
interface Limited {
  readonly usage: Usage;
  readonly need: Partial<Counts>;
  /** A call waits for the end of the first count. */
  readonly needsFirst: boolean;
  /** The refusal if there is no room now. */
  excess(): ArtifactError | undefined;
}

const pageRows = 1_000;
const storeRest: CountRest = { perCount: 20, minMs: 250 };
/** Such a count is cheap. A save that removes an old version makes room that only a count sees. */
const bucketRest: CountRest = { perCount: 0, minMs: 0 };
const isLimit = (most: number): boolean => most < Number.MAX_SAFE_INTEGER;

/**
 * Tracks usage against the limits of the store and of its buckets. The work of this process counts at once. The work of
 * other processes counts with the next count, which is made now and then, and before a call is refused. So limits may be
 * exceeded for some seconds, and are not exact to the byte.
 */
export class Quota {
  readonly #metadata: MetadataStore;
  readonly #limits: QuotaLimits;
  readonly #bucketLimits: Pick<BucketLimits, "maxBytesOf" | "bytesIn">;
  readonly #log: Log;
  readonly #store: Usage;
  /** By name: those that have had a limit since this process began. */
  readonly #buckets = new Map<string, Usage>();

  constructor(
    metadata: MetadataStore,
    limits: QuotaLimits,
    bucketLimits: Pick<BucketLimits, "maxBytesOf" | "bytesIn">,
    log: Log,
  ) {
    this.#metadata = metadata;
    this.#limits = limits;
    this.#bucketLimits = bucketLimits;
    this.#log = log;
    this.#store = new Usage(() => this.#countStore(), storeRest, log);
  }

  /** Runs work that needs room. @throws ArtifactError `storage_full` */
  async during<Result>(need: Need, work: () => Promise<Result>): Promise<Result> {
    const reservation = this.reserve();
    await reservation.grow(need);
    try {
      const result = await work();
      reservation.markUsed();
      return result;
    } finally {
      reservation.release();
    }
  }

  /** Begins a reservation, which reserves nothing at first. */
  reserve(): Reservation {
    const taken = new Map<Usage, Counts>();
    const take = ({ usage, need }: Limited): void => {
      usage.reserve(need);
      taken.set(usage, sum(taken.get(usage) ?? nothing, need));
    };
    const release = (): void => {
      for (const [usage, amount] of taken) usage.release(amount);
      taken.clear();
    };
    return {
      grow: (need) => this.#admit(need, take),
      markUsed: () => {
        for (const [usage, amount] of taken) usage.add(amount);
        release();
      },
      release,
    };
  }

  /** @throws ArtifactError `storage_full` if there is no room for `need` now */
  check(need: Need): Promise<void> {
    return this.#admit(need, () => undefined);
  }

  /** @param take called if there is room, in one step with the check, so that no other call takes the room first */
  async #admit(need: Need, take: (limited: Limited) => void): Promise<void> {
    const found = this.#bucketLimit(need);
    const most = found instanceof Promise ? await found : found;
    const all = [this.#inStore(need), ...(most === undefined ? [] : [this.#inBucket(need, most)])];
    for (const { usage, needsFirst, excess } of all) {
      if (needsFirst || (need.openSessions ?? 0) > 0) await usage.ready(needsFirst);
      if (excess() !== undefined && usage.isRested) await usage.recount();
    }
    for (const { excess } of all) {
      const refusal = excess();
      if (refusal !== undefined) throw refusal;
    }
    for (const limited of all) take(limited);
  }

  /** Subtracts what this process has ended or deleted, so that it makes room at once. */
  freed({ inBucket, ...less }: Need): void {
    this.#store.add(less, -1);
    if (inBucket !== undefined) this.#buckets.get(inBucket.bucket)?.add({ storedBytes: inBucket.bytes }, -1);
  }

  #inStore({ inBucket: _, ...need }: Need): Limited {
    return {
      usage: this.#store,
      need,
      needsFirst: this.#limitsBytes(need),
      excess: () => this.#excess(need),
    };
  }

  #limitsBytes({ unfinishedBytes = 0, storedBytes = 0 }: Need): boolean {
    const { maxStoreBytes, maxUnfinishedBytes } = this.#limits;
    return (storedBytes > 0 && isLimit(maxStoreBytes)) || (unfinishedBytes > 0 && isLimit(maxUnfinishedBytes));
  }

  #excess(need: Need): ArtifactError | undefined {
    const { used } = this.#store;
    const { openSessions, unfinishedBytes, storedBytes } = sum(used, need);
    const { maxOpenSessions, maxUnfinishedBytes, maxStoreBytes } = this.#limits;
    if (need.openSessions && openSessions > maxOpenSessions) return tooManySessions(used.openSessions, maxOpenSessions);
    if (need.storedBytes && storedBytes > maxStoreBytes) {
      return storeFull(used.storedBytes, need.storedBytes, maxStoreBytes);
    }
    if (need.unfinishedBytes && unfinishedBytes > maxUnfinishedBytes) {
      return tooMuchUnfinished(used.unfinishedBytes, need.unfinishedBytes, maxUnfinishedBytes);
    }
    return undefined;
  }

  /** Undefined if the bucket has no limit, or nothing is added to it. */
  #bucketLimit({ inBucket }: Need): number | undefined | Promise<number | undefined> {
    return inBucket && inBucket.bytes > 0 ? this.#bucketLimits.maxBytesOf(inBucket.bucket) : undefined;
  }

  #inBucket({ inBucket: { bucket, bytes } = { bucket: "", bytes: 0 } }: Need, most: number): Limited {
    const countBucket = async (): Promise<Counts> => ({
      ...nothing,
      storedBytes: await this.#bucketLimits.bytesIn(bucket),
    });
    const usage = this.#buckets.get(bucket) ?? new Usage(countBucket, bucketRest, this.#log);
    this.#buckets.set(bucket, usage);
    return {
      usage,
      need: { storedBytes: bytes },
      needsFirst: true,
      excess() {
        const { storedBytes } = usage.used;
        return storedBytes + bytes > most ? bucketFull(bucket, storedBytes, bytes, most) : undefined;
      },
    };
  }

  async #countStore(): Promise<Counts> {
    let counted = nothing;
    await this.#overRows(sessionPrefix, (row) => {
      const session = parseSessionRow(row).value;
      const { offset, is_listed } = session;
      if (!isUnfinished(session)) return;
      // An unlisted session is a save in one call, not an unfinished upload. Its process may have died.
      counted = sum(counted, {
        storedBytes: offset,
        ...(is_listed ? { openSessions: 1, unfinishedBytes: offset } : {}),
      });
    });
    if (isLimit(this.#limits.maxStoreBytes)) {
      await this.#overRows(artifactPrefix, (row) => {
        for (const { bytes } of parseArtifactRow(row).value.versions) counted = sum(counted, { storedBytes: bytes });
      });
    }
    return counted;
  }

  async #overRows(prefix: string, visit: (row: StoredRow) => void): Promise<void> {
    for await (const row of rowsUnder(this.#metadata, prefix, pageRows)) {
      try {
        visit(row);
      } catch (error) {
        if (!(error instanceof ArtifactError)) throw error; // a row that cannot be parsed is not counted
      }
    }
  }
}
