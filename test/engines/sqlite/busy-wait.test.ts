import { describe, expect, it } from "vitest";
import { BusyWait } from "../../../src/engines/sqlite/database/busy-wait.js";

/** The mean of many pauses. */
function meanPause(wait: BusyWait, waitedMs: number): number {
  const pauses = Array.from({ length: 4_000 }, () => wait.pauseMs(waitedMs));
  return pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
}

function afterWaits(...waits: readonly number[]): BusyWait {
  const wait = new BusyWait();
  for (const waitedMs of waits) wait.ended(waitedMs);
  return wait;
}

describe("BusyWait", () => {
  it("tries again soon where waits are short", () => {
    expect(meanPause(new BusyWait(), 0)).toBeCloseTo(1.5, 0);
    expect(meanPause(afterWaits(5, 8, 3), 4)).toBeCloseTo(1.5, 0);
  });

  it("tries about as often in a long wait as in a short one", () => {
    const busy = afterWaits(...Array<number>(20).fill(640));
    expect(meanPause(busy, 0)).toBeCloseTo(20, -1);
    expect(meanPause(afterWaits(...Array<number>(20).fill(60_000)), 0)).toBeCloseTo(40, -1); // but not too rarely
  });

  it("tries less often the longer a first wait lasts, and more often after seconds", () => {
    const wait = new BusyWait();
    expect(meanPause(wait, 320)).toBeGreaterThan(5 * meanPause(wait, 10));
    expect(meanPause(wait, 6_000)).toBeLessThan(0.6 * meanPause(wait, 4_000));
    expect(meanPause(wait, 11_000)).toBeLessThan(0.4 * meanPause(wait, 4_000));
  });

  it("forgets long waits when writes find the database free again", () => {
    const wait = afterWaits(...Array<number>(20).fill(60_000), ...Array<number>(40).fill(0));
    expect(meanPause(wait, 0)).toBeCloseTo(1.5, 0);
  });
});
