/** Lets a few run at a time. The others wait in order. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<{ go(): void; fail(error: Error): void }>();

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Resolves when a slot is taken. The caller gives it back with `give`.
   *
   * @param signal ends the wait
   * @throws the signal's reason, or the error of `failWaiting`
   */
  async take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const abort = () => waiter.fail(signal?.reason);
      const leave = () => {
        this.#waiting.delete(waiter);
        signal?.removeEventListener("abort", abort);
      };
      const waiter = {
        go: () => {
          leave();
          resolve();
        },
        fail: (error: Error) => {
          leave();
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free += 1;
    else next.go();
  }

  failWaiting(error: Error): void {
    for (const waiter of this.#waiting) waiter.fail(error);
  }
}
