import type { Log } from "../ports/log.js";
import { withTimeout } from "../with-timeout.js";

/** Amounts that a limit is about. */
export interface Counts {
  readonly openSessions: number;
  readonly unfinishedBytes: number;
  readonly storedBytes: number;
}

export const nothing: Counts = { openSessions: 0, unfinishedBytes: 0, storedBytes: 0 };

export const sum = (a: Counts, b: Partial<Counts>, sign = 1): Counts => ({
  openSessions: a.openSessions + sign * (b.openSessions ?? 0),
  unfinishedBytes: a.unfinishedBytes + sign * (b.unfinishedBytes ?? 0),
  storedBytes: a.storedBytes + sign * (b.storedBytes ?? 0),
});

/** How long a count is used before a call that it refuses makes another one. */
export interface CountRest {
  /** At least this many times as long as the count took. With 20, counting takes at most a twentieth of the time. */
  readonly perCount: number;
  readonly minMs: number;
}

/** A count older than this is made again, because other processes may have added something. */
const staleMs = 5_000;
/** A call waits at most this long for a count. It waits for the end of the first count if a limit on bytes needs it. */
const firstCountMs = 50;

/**
 * What is used, of the whole store or of one bucket. The work of this process counts at once. The work of other processes
 * counts with the next count, which is made now and then.
 */
export class Usage {
  readonly #count: () => Promise<Counts>;
  readonly #rest: CountRest;
  readonly #log: Log;
  #counted: Counts = nothing;
  #countedAt = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  #counting: Promise<void> | undefined;
  /** Reserved for work in progress. */
  #inFlight: Counts = nothing;
  /** Used by this process since the last count began. */
  #since: Counts = nothing;

  /** @param count returns what the rows say now */
  constructor(count: () => Promise<Counts>, rest: CountRest, log: Log) {
    this.#count = count;
    this.#rest = rest;
    this.#log = log;
  }

  get used(): Counts {
    return sum(sum(this.#counted, this.#since), this.#inFlight);
  }

  reserve(need: Partial<Counts>): void {
    this.#inFlight = sum(this.#inFlight, need);
  }

  release(taken: Partial<Counts>): void {
    this.#inFlight = sum(this.#inFlight, taken, -1);
  }

  /** Counts what this process has used, or, with the sign -1, what it has freed. */
  add(amount: Partial<Counts>, sign = 1): void {
    this.#since = sum(this.#since, amount, sign);
  }

  /**
   * Counts if the last count is old. A call waits a short time only.
   *
   * @param needsFirst waits for the end of the first count
   */
  async ready(needsFirst: boolean): Promise<void> {
    if (performance.now() - this.#countedAt < Math.max(staleMs, this.#restMs)) return;
    const isFirst = this.#counting === undefined && this.#tookMs === 0;
    const counting = this.recount();
    if (needsFirst && isFirst) await counting;
    else await withTimeout(firstCountMs, counting);
  }

  /** Whether the last count is long enough ago to count before a call is refused. */
  get isRested(): boolean {
    return performance.now() - this.#countedAt >= this.#restMs;
  }

  /** Counts now. Calls at the same time share one count. */
  recount(): Promise<void> {
    this.#counting ??= this.#recount()
      .catch((error) => this.#log("warn", "usage_not_counted", { error: String(error) }))
      .finally(() => {
        this.#counting = undefined;
      });
    return this.#counting;
  }

  get #restMs(): number {
    const { perCount, minMs } = this.#rest;
    return Math.max(minMs, this.#tookMs * perCount);
  }

  async #recount(): Promise<void> {
    const began = performance.now();
    const before = this.#since;
    this.#counted = await this.#count();
    this.#since = sum(this.#since, before, -1);
    this.#countedAt = performance.now();
    this.#tookMs = this.#countedAt - began;
  }
}
