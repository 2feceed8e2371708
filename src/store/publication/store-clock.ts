import { clockJumpMs, clockKeepMs, clockProbationMs, clockTrustMs } from "../model/limits.js";
import { type ClockRecord, clockKey, parseClockRow } from "../model/records.js";
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
  /** How long the clocks of earlier processes have run well that agree with this one. It counts for the probation. */
  #carriedMs = 0;
  /** When the trusted time was stored, on the monotonic clock. */
  #keptAtMs = Number.NEGATIVE_INFINITY;
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
    return this.knownSeconds();
  }

  /** As `latestSeconds`, but without reading: it knows the time of other processes only after that was called once. */
  knownSeconds(): number {
    this.#compare();
    return Math.max(this.nowSeconds(), Math.floor((this.#seenMs ?? 0) / 1000));
  }

  /** The time of expiry of what lives for this many seconds from now; undefined if it does not expire. */
  async expiryAfter(seconds: number | undefined): Promise<number | undefined> {
    return seconds === undefined ? undefined : (await this.latestSeconds()) + seconds;
  }

  /** Whether this clock may be used to end sessions now. */
  async isTrusted(): Promise<boolean> {
    return (await this.untrustedMs()) === 0;
  }

  /** In how many milliseconds this clock can be trusted, if it does not jump before; 0 if it can be. */
  async untrustedMs(): Promise<number> {
    await this.#read();
    this.#compare();
    if (!this.#hasJumped && this.#beganSoonAfter(this.#firstSeenMs)) return 0;
    return Math.max(0, clockProbationMs - this.#trialMs());
  }

  /** Stores the time for later processes, if the clock is trusted. */
  async save(): Promise<void> {
    if (!(await this.isTrusted())) return;
    const seen_at = this.nowSeconds();
    await this.#dependencies.metadata.put(clockKey, this.#encode({ seen_at }));
    this.#seenMs = seen_at * 1000;
    this.#keptAtMs = this.#monotonicMs;
  }

  /**
   * Stores what later processes may know of this clock: the time if it is trusted, and otherwise for how long it has run
   * well, so that processes that live for minutes are trusted too when they have run for an hour together. To be called
   * every minute or so.
   */
  async keep(): Promise<void> {
    if (!(await this.isTrusted())) return this.#saveTrial();
    if (this.#monotonicMs - this.#keptAtMs >= clockKeepMs) await this.save();
  }

  /** Of several processes at once the last one counts: they add nothing to each other. */
  async #saveTrial(): Promise<void> {
    const { metadata } = this.#dependencies;
    const old = await metadata.get(clockKey);
    const seen_at = old === undefined ? undefined : parseClockRow({ key: clockKey, text: old }).value.seen_at;
    if (seen_at !== undefined) this.#seenMs = Math.max(this.#seenMs ?? 0, seen_at * 1000);
    const trial = { at: this.nowSeconds(), ms: Math.floor(this.#trialMs()) };
    const next = this.#encode({ ...(seen_at === undefined ? {} : { seen_at }), trial });
    await metadata.change([{ key: clockKey, old, next }]); // if it fails, another process has just stored what it knows
  }

  #encode(record: ClockRecord): string {
    return JSON.stringify({ revision: this.#dependencies.newRevision(), ...record });
  }

  /** For how long this clock has run well, with earlier ones that agree with it. */
  #trialMs(): number {
    return this.#monotonicMs - this.#probationMs + this.#carriedMs;
  }

  /** Whether this process began at most a day after a time that another one has stored, and not before it. */
  #beganSoonAfter(storedMs = Number.NEGATIVE_INFINITY): boolean {
    const passedMs = this.#startedAtMs - storedMs;
    return passedMs >= 0 && passedMs <= clockTrustMs;
  }

  /** Compares the two clocks. If they have moved apart, one of them is wrong, and the probation begins again. */
  #compare(): void {
    const { now, monotonicMs } = this.#dependencies;
    const [wall, monotonic] = [now(), monotonicMs()];
    const passed = monotonic - this.#monotonicMs;
    if (Math.abs(wall - this.#wallMs - passed) > clockJumpMs) {
      this.#hasJumped = true;
      this.#probationMs = monotonic;
      this.#carriedMs = 0;
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
    const { seen_at, trial } = parseClockRow({ key: clockKey, text }).value;
    if (seen_at !== undefined) this.#firstSeenMs = seen_at * 1000;
    this.#seenMs = this.#firstSeenMs;
    if (trial !== undefined && !this.#hasJumped && this.#beganSoonAfter(trial.at * 1000)) this.#carriedMs = trial.ms;
  }
}
