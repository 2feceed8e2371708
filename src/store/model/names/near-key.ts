/** Longer differences are not compared. In UTF-16 code units. */
const maxDifference = 24;
/**
 * Whether a key may be the one that was meant: it differs only in case, in its extension, in folders at its
 * beginning or in a few characters, the fewer the shorter its name is.
 */
export function isNearKey(given: string, key: string): boolean {
  const [a, b] = [given.toLowerCase(), key.toLowerCase()];
  if (a === b || stemOf(a) === stemOf(b)) return true;
  if (a.endsWith(`/${b}`) || b.endsWith(`/${a}`)) return true;
  const [left, right] = difference(a, b);
  if (Math.max(left.length, right.length) > maxDifference) return false;
  const name = a.slice(a.lastIndexOf("/") + 1);
  return edits(left, right) <= (name.length < 3 ? 0 : name.length < 6 ? 1 : 2);
}

const stemOf = (key: string): string => key.replace(/\.[^./]*$/, "");

/** The parts of two texts that are left without their common beginning and end. */
function difference(a: string, b: string): [string, string] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

/** Levenshtein's distance, in which two neighbours that changed places are one edit. */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const [i, character] of a.split("").entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (character === b[j - 1] ? 0 : 1);
      const isSwap = i > 0 && character === b[j - 2] && a[i - 1] === b[j - 1];
      const swapped = isSwap ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
