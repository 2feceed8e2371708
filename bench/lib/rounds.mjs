/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[(sorted.length - 1) >> 1], sorted[middle]];
  return (low + high) / 2;
}

/**
 * Runs every subject once a round, and returns the median of each. The order rotates, so that a subject does not always
 * follow the same one.
 *
 * @template {string} Name
 * @param {number} rounds
 * @param {Readonly<Record<Name, () => Promise<number>>>} subjects
 * @returns {Promise<Record<Name, number>>}
 */
export async function medians(rounds, subjects) {
  const names = /** @type {Name[]} */ (Object.keys(subjects));
  const found = new Map(names.map((name) => [name, /** @type {number[]} */ ([])]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = /** @type {Name} */ (names[(round + turn) % names.length]);
      found.get(name)?.push(await subjects[name]());
    }
  }
  const entries = names.map((name) => [name, median(found.get(name) ?? [])]);
  return Object.fromEntries(entries);
}

/** Returns the milliseconds that `work` takes. @param {() => Promise<unknown>} work */
export async function millisecondsOf(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
