/** Runs the calls on one session one after the other, as they arrive. Sessions do not wait for each other. */
export class SessionQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  run<Result>(session: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(session) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result
      .catch(() => undefined) // the caller gets the error from `result`; the next call only waits for the end
      .finally(() => {
        if (this.#tails.get(session) === tail) this.#tails.delete(session);
      });
    this.#tails.set(session, tail);
    return result;
  }

  /** Resolves when no work is left. A failure of the work does not matter. */
  async drained(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
