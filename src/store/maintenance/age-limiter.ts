import { bucketLimitsMs } from "../model/limits.js";
import type { Log } from "../ports/log.js";
import type { AgeLimits } from "./age-limits.js";
import { type Background, repeat } from "./background.js";

/** Deletes what is too old for its bucket in the background, about every `bucketLimitsMs`. */
export function startAgeLimiter(ageLimits: Pick<AgeLimits, "run">, log: Log): Background {
  const work = async (signal: AbortSignal): Promise<void> => {
    try {
      const { artifacts, failed } = await ageLimits.run({ signal });
      if (artifacts + failed > 0) log("info", "too_old_deleted", { artifacts, failed });
    } catch (error) {
      log("warn", "age_limits_failed", { error: String(error) });
    }
  };
  return repeat(work, bucketLimitsMs, [0.1, 1]);
}
