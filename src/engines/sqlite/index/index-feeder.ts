import type { Log } from "../../../store/ports/log.js";
import { errorCodeOf } from "../../engine-error.js";
import type { DatabaseFile } from "../database-file.js";

/** A process looks whether many artifacts are pending after its first change, and then each time it has made as many. */
const changesBetweenLooks = 64;

/**
 * Lets a process that changes artifacts add the pending ones to the full-text tables, a limited number in each turn.
 *
 * @param feed does one turn of the work. @returns how many artifacts it has added; 0 if few are pending
 */
export function createIndexFeeder(
  feed: () => Promise<number>,
  disk: Pick<DatabaseFile, "isDiskFull" | "markDiskFull">,
  log: Log,
) {
  let changes = 0;
  let isStopped = false;
  let feeding: Promise<void> | undefined;

  async function feedMany(): Promise<void> {
    try {
      while (!isStopped && !disk.isDiskFull() && (await feed()) > 0);
    } catch (error) {
      // The artifacts stay pending, and searches look at them one by one.
      if (errorCodeOf((error as Error).cause) === "SQLITE_FULL") disk.markDiskFull();
      log("debug", "index_not_fed", { error: String(error) });
    }
  }

  return {
    /** Must be called after each change of an artifact. */
    changed(): void {
      changes += 1;
      if (changes % changesBetweenLooks !== 1 || isStopped) return;
      feeding ??= feedMany().finally(() => {
        feeding = undefined;
      });
    },
    /** Begins no more turns. Resolves when the last one has ended. */
    async stop(): Promise<void> {
      isStopped = true;
      await feeding;
    },
  };
}
