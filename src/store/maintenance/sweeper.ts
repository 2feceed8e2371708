import { sweepEveryMs } from "../model/limits.js";
import type { Log } from "../ports/log.js";
import type { Sweep } from "./sweep.js";

export interface Sweeper {
  /** Ends a running sweep after its current step. No other sweep begins. */
  stop(): Promise<void>;
}

/**
 * Sweeps in the background, every 0.9 to 1.1 `sweepEveryMs`. The first sweep comes some time after the start, because
 * several processes often start at once. The timer does not keep the process alive.
 */
export function startSweeper(sweep: Sweep, log: Log): Sweeper {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function run(): Promise<void> {
    try {
      const report = await sweep.run({ signal: stopping.signal });
      const hasFound = Object.values(report).some((count) => count > 0);
      log(hasFound ? "info" : "debug", "swept", { ...report });
    } catch (error) {
      log("warn", "sweep_failed", { error: String(error) });
    }
    if (!stopping.signal.aborted) schedule(sweepEveryMs * between(0.9, 1.1));
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(() => {
      running = run();
    }, delayMs);
    timer.unref();
  }

  schedule(sweepEveryMs * between(0.005, 0.05));
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
