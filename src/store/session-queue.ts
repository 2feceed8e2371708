/** Runs the work on one session in the order of its arrival; different sessions do not wait for each other. */
export interface SessionQueue {
  run<Result>(session: string, work: () => Promise<Result>): Promise<Result>;
  /** Resolves once all work that has arrived is done, well or not. */
  drained(): Promise<void>;
}

export function createSessionQueue(): SessionQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(session, work) {
      const before = tails.get(session) ?? Promise.resolve();
      const result = before.then(work);
      const tail = result
        .catch(() => undefined) // `result` reports it to the caller; the next one in line only waits for it
        .finally(() => {
          if (tails.get(session) === tail) tails.delete(session);
        });
      tails.set(session, tail);
      return result;
    },
    async drained() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
