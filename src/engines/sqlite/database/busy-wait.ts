/** A try costs a wake-up and a look at the lock. A process aims at this many tries for each wait. */
const triesPerWait = 32;
const leastMs = 1.5;
const mostMs = 40;
/** A wait that is longer than the earlier ones slows its own tries down only as far as this. */
const longestOwnMs = mostMs * triesPerWait;
/** Who has waited this long tries twice as often as others, and after twice the time three times. */
const patienceMs = 5_000;
/** How much the last wait counts beside all earlier ones. */
const lastShare = 0.2;

/**
 * How long a process that finds the database busy waits before it tries again. The more processes write, the longer
 * their waits, and the longer the time between two tries: otherwise the tries of a hundred processes would take the
 * processor from the one that writes. All who wait try about as often, and who has waited long tries more often.
 */
export class BusyWait {
  /** A moving average of the waits that have ended. */
  #typicalMs = 0;

  /** Milliseconds until the next try, at random around a mean. @param waitedMs since the first try */
  pauseMs(waitedMs: number): number {
    const expectedMs = Math.max(this.#typicalMs, Math.min(waitedMs, longestOwnMs));
    const meanMs = Math.min(Math.max(expectedMs / triesPerWait, leastMs), mostMs);
    const hurry = 1 + Math.min(Math.floor(waitedMs / patienceMs), 2);
    return (meanMs / hurry) * (1 / 3 + (4 / 3) * Math.random());
  }

  /** @param waitedMs 0 if the first try has succeeded */
  ended(waitedMs: number): void {
    this.#typicalMs += lastShare * (waitedMs - this.#typicalMs);
  }
}
