import type { StoreChange } from "./database/connection.js";
import type { InTurn } from "./write-turns.js";

/** The most that one transaction contains. */
export interface BatchLimits {
  readonly maxChanges: number;
  /** UTF-16 units of texts plus bytes of pieces. A larger change gets a transaction of its own. */
  readonly maxSize: number;
}

interface Waiting {
  readonly change: StoreChange;
  readonly size: number;
  resolve(wasMade: boolean): void;
  reject(error: unknown): void;
}

/**
 * Puts the changes that wait for the writer into one transaction, so that they share a sync.
 *
 * @param limits called for each batch
 * @param run makes a batch of changes; returns for each change whether it was made
 * @returns a function that makes one change and returns whether it was made. If a batch fails, all its changes reject.
 */
export function createChangeQueue(
  inTurn: InTurn,
  limits: () => BatchLimits,
  run: (batch: readonly StoreChange[]) => Promise<boolean[]>,
): (change: StoreChange) => Promise<boolean> {
  let waiting: Waiting[] = [];

  const schedule = (): void => void inTurn(runNext).catch(() => undefined); // each change rejects with the error

  async function runNext(): Promise<void> {
    const batch = waiting.slice(0, batchLength(waiting, limits()));
    waiting = waiting.slice(batch.length);
    if (waiting.length > 0) schedule();
    try {
      const made = await run(batch.map(({ change }) => change));
      for (const [index, { resolve }] of batch.entries()) resolve(made[index] === true);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (change) =>
    new Promise((resolve, reject) => {
      waiting.push({ change, size: sizeOf(change), resolve, reject });
      if (waiting.length === 1) schedule();
    });
}

/** How many of the changes at the front of the queue share the next transaction; at least one. */
function batchLength(waiting: readonly Waiting[], { maxChanges, maxSize }: BatchLimits): number {
  let size = 0;
  const end = waiting.findIndex((each, index) => {
    size += each.size;
    return index > 0 && (index >= maxChanges || size > maxSize);
  });
  return end === -1 ? waiting.length : end;
}

function sizeOf({ rows, put }: StoreChange): number {
  const texts = rows.map(({ old = "", next = "" }) => old.length + next.length);
  return [...texts, ...put.map(({ bytes }) => bytes.length)].reduce((sum, size) => sum + size, 0);
}
