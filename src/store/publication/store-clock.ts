import { clockJumpMs, clockProbationMs, clockTrustMs } from "../model/limits.js";
import { clockKey, parseClockRow } from "../model/records.js";
import type { MetadataStore } from "../ports/metadata-store.js";

export interface StoreClockDependencies {
  readonly metadata: MetadataStore;
  /** The wall clock: milliseconds since 1970. */
  readonly now: () => number;
  /** A monotonic clock, in milliseconds. */
  readonly monotonicMs: () => number;
  readonly newRevision: () => string;
}

/**
 * Tells the time, and whether it can be trusted. A wall clock may be wrong for a while, by any amount. So nothing is
 * ended by a clock that has not proved right, and a clock that is behind never makes a session end earlier.
 */
export class StoreClock {
  readonly #dependencies: StoreClockDependencies;
  readonly #startedAtMs: number;
  /** The wall clock and the monotonic clock when they were last compared. */
  #wallMs: number;
  #monotonicMs: number;
  /** When the probation began, on the monotonic clock. */
  #probationMs: number;
  #hasJumped = false;
  /**
   * The latest time that a trusted clock has seen, in any process. It moves on with the monotonic clock. Undefined
   * before it is read, and if there is none.
   */
  #seenMs: number | undefined;
  /** `#seenMs` as it was read at first. */
  #firstSeenMs: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(dependencies: StoreClockDependencies) {
    this.#dependencies = dependencies;
    this.#wallMs = dependencies.now();
    this.#startedAtMs = this.#wallMs;
    this.#monotonicMs = dependencies.monotonicMs();
    this.#probationMs = this.#monotonicMs;
  }

  /** The wall clock, in unix seconds. */
  readonly nowSeconds = (): number => Math.floor(this.#dependencies.now() / 1000);

  /** The wall clock in unix seconds, but never earlier than a time that a trusted clock has seen. */
  async latestSeconds(): Promise<number> {
    await this.#read();
    this.#compare();
    return Math.max(this.nowSeconds(), Math.floor((this.#seenMs ?? 0) / 1000));
  }

  /** The time of expiry of what lives for this many seconds from now; undefined if it does not expire. */
  async expiryAfter(seconds: number | undefined): Promise<number | undefined> {
    return seconds === undefined ? undefined : (await this.latestSeconds()) + seconds;
  }

  /** Whether this clock may be used to end sessions now. */
  async isTrusted(): Promise<boolean> {
    await this.#read();
    this.#compare();
    if (this.#monotonicMs - this.#probationMs >= clockProbationMs) return true;
    const sinceSeenMs = this.#startedAtMs - (this.#firstSeenMs ?? Number.NEGATIVE_INFINITY);
    return !this.#hasJumped && sinceSeenMs >= 0 && sinceSeenMs <= clockTrustMs;
  }

  /** Stores the time for later processes, if the clock is trusted. */
  async save(): Promise<void> {
    if (!(await this.isTrusted())) return;
    const { metadata, newRevision } = this.#dependencies;
    const seen_at = this.nowSeconds();
    await metadata.put(clockKey, JSON.stringify({ revision: newRevision(), seen_at }));
    this.#seenMs = seen_at * 1000;
  }

  /** Compares the two clocks. If they have moved apart, one of them is wrong, and the probation begins again. */
  #compare(): void {
    const { now, monotonicMs } = this.#dependencies;
    const [wall, monotonic] = [now(), monotonicMs()];
    const passed = monotonic - this.#monotonicMs;
    if (Math.abs(wall - this.#wallMs - passed) > clockJumpMs) {
      this.#hasJumped = true;
      this.#probationMs = monotonic;
    }
    if (this.#seenMs !== undefined) this.#seenMs += passed;
    this.#wallMs = wall;
    this.#monotonicMs = monotonic;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readRow().catch((error) => {
      this.#reading = undefined;
      throw error;
    });
    return this.#reading;
  }

  async #readRow(): Promise<void> {
    const text = await this.#dependencies.metadata.get(clockKey);
    if (text === undefined) return;
    this.#firstSeenMs = parseClockRow({ key: clockKey, text }).value.seen_at * 1000;
    this.#seenMs = this.#firstSeenMs;
  }
}
