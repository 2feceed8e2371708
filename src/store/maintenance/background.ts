/** Work that is repeated while the process runs. */
export interface Background {
  /** Ends the running work after its current step. No other begins. */
  stop(): Promise<void>;
}

/**
 * Repeats work, 0.9 to 1.1 `everyMs` after its last end. Several processes often start at once, so the first time is
 * chosen at random too. The timer does not keep the process alive.
 *
 * @param work must not fail
 * @param first the work begins after this part of `everyMs`, at least and at most
 */
export function repeat(
  work: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
  first: readonly [least: number, most: number],
): Background {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function run(): Promise<void> {
    await work(stopping.signal);
    if (!stopping.signal.aborted) schedule(everyMs * between(0.9, 1.1));
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(() => {
      running = run();
    }, delayMs);
    timer.unref();
  }

  schedule(everyMs * between(...first));
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

function between(min: number, max: number): number {
  return min + Math.random() * (max - min);
}
