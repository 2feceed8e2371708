import fc from "fast-check";
import { expect, test } from "vitest";
import { Spread } from "../../../../src/analysis/tables/statistics/spread.js";

/** The numbers whose value, in widths of a bin, is at least so far from the edge below their bin and the one above. */
function countsBetween(values: readonly number[], from: number, to: number, margin: number): number[] {
  const counts = new Array<number>(20).fill(0);
  for (const value of values) {
    const place = ((value - from) / (to - from)) * 20;
    const bin = Math.min(19, Math.floor(place));
    if (place - bin >= margin && bin + 1 - place >= margin) counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

test("a histogram of many numbers misplaces only those near an edge", () => {
  const number = fc.oneof(
    fc.double({ min: -1e3, max: 1e3, noNaN: true }),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
    fc.integer({ min: 0, max: 50 }),
  );
  fc.assert(
    fc.property(
      fc.array(number, { minLength: 20, maxLength: 300 }),
      fc.integer({ min: 600, max: 900 }),
      (some, times) => {
        const values = some.flatMap((value, index) => Array.from({ length: times }, (_, n) => value + (n % 7) * index));
        const spread = new Spread();
        for (const value of values) spread.add(value);
        const histogram = spread.histogram();
        const [from, to] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
        if (from === to) return expect(histogram).toBeUndefined();
        expect(histogram).toMatchObject({ from, to });
        const counts = histogram?.counts ?? [];
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
        const sure = countsBetween(values, from, to, 1 / 40);
        for (const [bin, count] of counts.entries()) expect(count).toBeGreaterThanOrEqual(sure[bin] ?? 0);
      },
    ),
    { numRuns: 30 },
  );
});

test("numbers that grow all the time are counted all", () => {
  const spread = new Spread();
  for (let n = 0; n < 100_000; n += 1) spread.add(n * n);
  const counts = spread.histogram()?.counts ?? [];
  // Numbers below x² are x of them: the first bin ends at 1/20 of the range.
  expect(counts[0]).toBeGreaterThan(100_000 * Math.sqrt(1 / 20) - 500);
  expect(counts[0]).toBeLessThan(100_000 * Math.sqrt(1 / 20) + 500);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(100_000);
});

test("numbers too far apart have no histogram", () => {
  const spread = new Spread();
  for (let n = 0; n < 20_000; n += 1) spread.add(n % 2 === 0 ? 1.7e308 : -1.7e308);
  expect(spread.histogram()).toBeUndefined();
});
