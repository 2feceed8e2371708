import { clockJumpMs, clockProbationMs, clockTrustMs } from "../model/limits.js";
import { clockKey, parseClockRow } from "../model/records.js";
import type { MetadataStore } from "../ports/metadata-store.js";

export interface StoreClockDependencies {
  readonly metadata: MetadataStore;
  /** The wall clock: milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that only go forward. */
  readonly monotonicMs: () => number;
  readonly newRevision: () => string;
}

/**
 * The time, and whether it can be trusted. A wall clock may be wrong for a while by any amount. So nothing is ended by
 * it before it has proved right, and the end of a session is never set earlier by a clock that is behind.
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
  /** What a trusted clock has shown in some process before this one; undefined before it is known or if there was none. */
  #seenMs: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(dependencies: StoreClockDependencies) {
    this.#dependencies = dependencies;
    this.#wallMs = dependencies.now();
    this.#startedAtMs = this.#wallMs;
    this.#monotonicMs = dependencies.monotonicMs();
    this.#probationMs = this.#monotonicMs;
  }

  /** Unix seconds by the wall clock. */
  readonly nowSeconds = (): number => Math.floor(this.#dependencies.now() / 1000);

  /** Unix seconds that are not behind the time that a trusted clock has seen before. */
  async latestSeconds(): Promise<number> {
    await this.#read();
    this.#compare();
    return Math.max(this.nowSeconds(), Math.floor((this.#seenMs ?? 0) / 1000));
  }

  /** Whether sessions may be ended by this clock now. */
  async isTrusted(): Promise<boolean> {
    await this.#read();
    this.#compare();
    if (this.#monotonicMs - this.#probationMs >= clockProbationMs) return true;
    const sinceSeenMs = this.#startedAtMs - (this.#firstSeenMs ?? Number.NEGATIVE_INFINITY);
    return !this.#hasJumped && sinceSeenMs >= 0 && sinceSeenMs <= clockTrustMs;
  }

  /** Keeps the time for later processes, if it is trusted. */
  async save(): Promise<void> {
    if (!(await this.isTrusted())) return;
    const { metadata, newRevision } = this.#dependencies;
    const seen_at = this.nowSeconds();
    await metadata.put(clockKey, JSON.stringify({ revision: newRevision(), seen_at }));
    this.#seenMs = seen_at * 1000;
  }

  /** As it was read at first. */
  #firstSeenMs: number | undefined;

  /** Where two clocks went apart, one of them is wrong. */
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
