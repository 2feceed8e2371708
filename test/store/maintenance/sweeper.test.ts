import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Sweep } from "../../../src/store/maintenance/sweep.js";
import type { SweepOptions, SweepReport } from "../../../src/store/maintenance/sweep-pass.js";
import { startSweeper } from "../../../src/store/maintenance/sweeper.js";
import { sweepEveryMs } from "../../../src/store/model/limits.js";
import { silentLog } from "../../support/silent-log.js";

const report: SweepReport = { expired: 0, settled: 0, rows: 0, files: 0, artifacts: 0, failed: 0 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Counts the runs of a sweep, whose work is given by the test. */
function countedSweep(run: (options: SweepOptions) => Promise<SweepReport> = async () => report) {
  const began: number[] = [];
  const sweep = {
    run: (options: SweepOptions) => {
      began.push(Date.now());
      return run(options);
    },
  } as Sweep;
  return { sweep, began };
}

it("startSweeper() sweeps some time after the start, then about every hour, at varying times", async () => {
  const { sweep, began } = countedSweep();
  const start = Date.now();
  const sweeper = startSweeper(sweep, silentLog);
  await vi.advanceTimersByTimeAsync(10 * sweepEveryMs);
  await sweeper.stop();
  const times = [start, ...began];
  const waits = times.slice(1).map((time, n) => (time - (times[n] ?? 0)) / sweepEveryMs);
  expect(waits[0]).toBeGreaterThan(0.004);
  expect(waits[0]).toBeLessThan(0.051);
  expect(waits.length).toBeGreaterThan(8);
  for (const wait of waits.slice(1)) {
    expect(wait).toBeGreaterThan(0.89);
    expect(wait).toBeLessThan(1.11);
  }
  expect(new Set(waits).size).toBe(waits.length);
  await vi.advanceTimersByTimeAsync(10 * sweepEveryMs);
  expect(began).toHaveLength(waits.length);
});

it("startSweeper() logs a sweep that failed, and goes on", async () => {
  const { sweep, began } = countedSweep(() => Promise.reject(new Error("no disk")));
  const log = vi.fn();
  const sweeper = startSweeper(sweep, log);
  await vi.advanceTimersByTimeAsync(3 * sweepEveryMs);
  expect(began.length).toBeGreaterThan(1);
  expect(log).toHaveBeenCalledWith("warn", "sweep_failed", { error: "Error: no disk" });
  await sweeper.stop();
});

it("stop() aborts the running sweep, waits for it, and begins no other", async () => {
  let end: () => void = () => undefined;
  let told: AbortSignal | undefined;
  const { sweep, began } = countedSweep(({ signal }) => {
    told = signal;
    return new Promise((resolve) => {
      end = () => resolve(report);
    });
  });
  const sweeper = startSweeper(sweep, silentLog);
  await vi.advanceTimersByTimeAsync(sweepEveryMs);
  let isStopped = false;
  const stopped = sweeper.stop().then(() => {
    isStopped = true;
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told?.aborted).toBe(true);
  expect(isStopped).toBe(false);
  end();
  await stopped;
  await vi.advanceTimersByTimeAsync(10 * sweepEveryMs);
  expect(began).toHaveLength(1);
});
