import { sweepEveryMs } from "../model/limits.js";
import type { Log } from "../ports/log.js";
import { type Background, repeat } from "./background.js";
import type { Sweep } from "./sweep.js";

/** Sweeps in the background, about every `sweepEveryMs`. */
export function startSweeper(sweep: Pick<Sweep, "run">, log: Log): Background {
  const work = async (signal: AbortSignal): Promise<void> => {
    try {
      const report = await sweep.run({ signal });
      const hasFound = Object.values(report).some((count) => count > 0);
      log(hasFound ? "info" : "debug", "swept", { ...report });
    } catch (error) {
      log("warn", "sweep_failed", { error: String(error) });
    }
  };
  return repeat(work, sweepEveryMs, [0.005, 0.05]);
}
