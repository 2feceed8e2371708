import { sweepEveryMs } from "../model/limits.js";
import type { Log } from "../ports/log.js";
import { type Background, repeat } from "./background.js";
import type { Sweep } from "./sweep.js";
import type { SweepReport } from "./sweep-pass.js";

/** A sweep that has ended. */
export interface EndedSweep {
  /** Undefined if it has thrown. */
  readonly report: SweepReport | undefined;
  readonly ms: number;
}

/**
 * Sweeps in the background, about every `sweepEveryMs`.
 *
 * @param onEnd called after each sweep
 */
export function startSweeper(
  sweep: Pick<Sweep, "run">,
  log: Log,
  onEnd: (ended: EndedSweep) => void = () => undefined,
): Background {
  const work = async (signal: AbortSignal): Promise<void> => {
    const began = performance.now();
    let report: SweepReport | undefined;
    try {
      report = await sweep.run({ signal });
      const hasFound = Object.values(report).some((count) => count > 0);
      log(hasFound ? "info" : "debug", "swept", { ...report });
    } catch (error) {
      log("warn", "sweep_failed", { error: String(error) });
    }
    onEnd({ report, ms: performance.now() - began });
  };
  return repeat(work, sweepEveryMs, [0.005, 0.05]);
}
