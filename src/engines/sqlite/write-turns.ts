/** Runs writes one at a time, in the order of the calls. */
export type InTurn = <Result>(write: () => Promise<Result>) => Promise<Result>;

/** Runs one write at a time, so that a busy database cannot roll back another write of this process. */
export function createWriteTurns() {
  let last: Promise<unknown> = Promise.resolve();
  let hasWritten = false;
  const inTurn: InTurn = (write) => {
    hasWritten = true;
    const result = last.then(write);
    last = result.catch(() => undefined); // the caller receives the error; the next write only waits
    return result;
  };
  /** Resolves when all writes have ended, also those that other writes have begun. */
  async function ended(): Promise<void> {
    for (let seen: unknown; seen !== last; await seen) seen = last;
  }
  return { inTurn, ended, hasWritten: () => hasWritten };
}
