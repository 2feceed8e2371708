/** At a moment, no version in the bucket had a higher number in the index than this. */
interface Witness {
  /** On the monotonic clock. */
  readonly atMs: number;
  readonly last: number;
}

/** In one bucket. Older ones are dropped first, which only makes ages seem shorter. */
const maxWitnesses = 150;

/**
 * What this process knows about ages without a wall clock: which versions it has seen, and how long ago. A number of the
 * index is never given twice, so a version with a number that was there a minute ago is at least a minute old, whatever
 * any wall clock says.
 */
export class WitnessedAges {
  readonly #monotonicMs: () => number;
  readonly #buckets = new Map<string, Witness[]>();

  /** @param monotonicMs milliseconds that only go forward */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Looks at a bucket. @param readLast returns the highest number of the newest versions in it */
  async look(bucket: string, readLast: () => Promise<number>): Promise<void> {
    const last = await readLast();
    const witnesses = this.#buckets.get(bucket) ?? [];
    // The time after the reading: so ages only seem shorter.
    witnesses.push({ atMs: this.#monotonicMs(), last });
    this.#buckets.set(bucket, witnesses.slice(-maxWitnesses));
  }

  /** The highest number of versions that are at least this old, in seconds; 0 if none is known to be. */
  lastOfAge(bucket: string, seconds: number): number {
    const untilMs = this.#monotonicMs() - seconds * 1000;
    return this.#buckets.get(bucket)?.findLast(({ atMs }) => atMs <= untilMs)?.last ?? 0;
  }

  /** For when the rows may have become older ones, with the same numbers for other versions. */
  forget(): void {
    this.#buckets.clear();
  }
}
