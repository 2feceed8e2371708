/** Runs the work on one session in the order of its arrival; different sessions do not wait for each other. */
export class SessionQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  run<Result>(session: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(session) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result
      .catch(() => undefined) // `result` reports it to the caller; the next in line only waits for it
      .finally(() => {
        if (this.#tails.get(session) === tail) this.#tails.delete(session);
      });
    this.#tails.set(session, tail);
    return result;
  }

  /** Resolves once all work that has arrived is done, well or not. */
  async drained(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
