import { sweepEveryMs } from "../model/limits.js";
import type { Log } from "../ports/log.js";
import type { Sweep } from "./sweep.js";

export interface Sweeper {
  /** Ends a sweep that is running behind its step, and begins no other. */
  stop(): Promise<void>;
}

/**
 * Sweeps in the background: the first time a while after the start, as several processes often start at once, then
 * again and again. It does not keep the process alive.
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
    if (!stopping.signal.aborted) later(sweepEveryMs * between(0.9, 1.1));
  }

  function later(ms: number): void {
    timer = setTimeout(() => {
      running = run();
    }, ms);
    timer.unref();
  }

  later(sweepEveryMs * between(0.005, 0.05));
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}
