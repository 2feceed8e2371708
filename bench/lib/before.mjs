import { ratio } from "./report.mjs";

/** The last build before one decision became one transaction. */
export const beforeName = "build of 7e53ec7";
/** Its `dist/main.js`: a checkout of that commit, after `npm ci`. */
const program = process.env["ARTIFACTS_BENCH_BEFORE"];

export const skippedBefore =
  program === undefined ? [`${beforeName}: ARTIFACTS_BENCH_BEFORE is not set to its dist/main.js`] : [];

/** Not a number where there is no such build. @param {(main: string) => Promise<number>} measure */
export const ofBefore = (measure) => async () => (program === undefined ? Number.NaN : measure(program));

/**
 * A promise of how fast ours is against that build; none where there is no such build.
 *
 * @param {string} work @param {import("./report.mjs").Table["unit"]} unit
 * @param {{ ours: number | undefined, theirs: number | undefined, atLeast?: number }} found how many times as fast ours has to be; 0.95 is as fast, but for what varies
 * @returns {import("./report.mjs").Target[]}
 */
export function targetsOfBefore(work, unit, { ours, theirs, atLeast = 0.95 }) {
  if (program === undefined) return [];
  return [{ work, against: beforeName, value: ratio(unit, ours, theirs), wanted: { atLeast } }];
}
