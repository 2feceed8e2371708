/** Work that several callers wait for at once. It is stopped when the last of them has given up. */
interface SharedRun<Result> {
  readonly result: Promise<Result>;
  readonly stop: AbortController;
  callers: number;
}

/** Lets callers that want the same thing at the same time share one run. Nothing is kept after its end. */
export class SharedRuns<Result> {
  readonly #runs = new Map<string, SharedRun<Result>>();

  /**
   * Joins the run with this id, or starts it.
   *
   * @param start is told by its signal that no caller waits any more
   * @param signal lets this caller give up: it rejects with the signal's reason, and the others go on
   */
  async join(id: string, start: (signal: AbortSignal) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    const run = this.#runs.get(id) ?? this.#begin(id, start);
    run.callers += 1;
    let giveUp = (): void => undefined;
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = () => reject(signal?.reason);
    });
    signal?.addEventListener("abort", giveUp);
    try {
      return await Promise.race([run.result, givenUp]);
    } finally {
      signal?.removeEventListener("abort", giveUp);
      run.callers -= 1;
      if (run.callers === 0) this.#end(id, run);
    }
  }

  #begin(id: string, start: (signal: AbortSignal) => Promise<Result>): SharedRun<Result> {
    const stop = new AbortController();
    const run: SharedRun<Result> = { result: start(stop.signal), stop, callers: 0 };
    run.result.catch(() => undefined); // each caller gets the error; nobody may be left when it comes
    this.#runs.set(id, run);
    return run;
  }

  /** The run has ended, or nobody waits for it. A later caller begins another one. */
  #end(id: string, run: SharedRun<Result>): void {
    if (this.#runs.get(id) === run) this.#runs.delete(id);
    run.stop.abort();
  }
}
