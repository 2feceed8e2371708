import { ratio } from "./report.mjs";

/** The last build before each decision was written in one transaction. */
export const earlierName = "build of 7e53ec7";
/** The path of its `dist/main.js`, in a checkout of that commit after `npm ci`. */
const program = process.env["ARTIFACTS_BENCH_BEFORE"];

export const skippedEarlier =
  program === undefined ? [`${earlierName}: ARTIFACTS_BENCH_BEFORE is not set to its dist/main.js`] : [];

/** Measures the earlier build. The result is NaN if there is none. @param {(main: string) => Promise<number>} measure */
export const onEarlier = (measure) => async () => (program === undefined ? Number.NaN : measure(program));

/**
 * Makes the target that compares ours with the earlier build. Returns no target if there is none.
 *
 * @param {string} work @param {import("./report.mjs").Table["unit"]} unit
 * @param {{ ours: number | undefined, theirs: number | undefined, atLeast?: number }} found `atLeast` is how many times as fast ours must be; 0.95 means as fast, within the usual variation
 * @returns {import("./report.mjs").Target[]}
 */
export function targetsAgainstEarlier(work, unit, { ours, theirs, atLeast = 0.95 }) {
  if (program === undefined) return [];
  return [{ work, against: earlierName, value: ratio(unit, ours, theirs), wanted: { atLeast } }];
}
