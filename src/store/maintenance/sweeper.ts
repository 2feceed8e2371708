import { sweepEveryMs } from "../model/limits.js";
import type { Log } from "../ports/log.js";
import type { Sweep } from "./sweep.js";
import type { SweepReport } from "./sweep-pass.js";

/** A sweep that has ended. */
export interface EndedSweep {
  /** Undefined if it has thrown. */
  readonly report: SweepReport | undefined;
  readonly ms: number;
}

export interface Sweeper {
  /** Ends a running sweep after its current step. No other sweep begins. */
  stop(): Promise<void>;
}

/**
 * Sweeps in the background, every 0.9 to 1.1 `sweepEveryMs`. The first sweep comes some time after the start, because
 * several processes often start at once. The timer does not keep the process alive.
 *
 * @param onEnd called after each sweep
 */
export function startSweeper(sweep: Sweep, log: Log, onEnd: (ended: EndedSweep) => void = () => undefined): Sweeper {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function run(): Promise<void> {
    const began = performance.now();
    let report: SweepReport | undefined;
    try {
      report = await sweep.run({ signal: stopping.signal });
      const hasFound = Object.values(report).some((count) => count > 0);
      log(hasFound ? "info" : "debug", "swept", { ...report });
    } catch (error) {
      log("warn", "sweep_failed", { error: String(error) });
    }
    onEnd({ report, ms: performance.now() - began });
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
