/** Names with a lower similarity are not suggested. */
const minSimilarity = 0.3;
/** Only so much of a given name is compared, in UTF-16 code units. */
const maxComparedChars = 200;

/** The name that is most similar to the given one. Returns undefined if none is similar. Case and punctuation do not count. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let highest = minSimilarity;
  for (const name of names) {
    const found = similarity(letterPairs(given), letterPairs(name));
    if (found < highest) continue;
    highest = found;
    nearest = name;
  }
  return nearest;
}

/** The share of letter pairs that two names have in common (Dice's coefficient), from 0 to 1. */
function similarity(a: readonly string[], b: readonly string[]): number {
  const left = [...b];
  let shared = 0;
  for (const pair of a) {
    const at = left.indexOf(pair);
    if (at < 0) continue;
    left.splice(at, 1);
    shared += 1;
  }
  return a.length + b.length === 0 ? 0 : (2 * shared) / (a.length + b.length);
}

function letterPairs(name: string): string[] {
  const letters = name
    .slice(0, maxComparedChars)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
  return Array.from({ length: Math.max(0, letters.length - 1) }, (_, at) => letters.slice(at, at + 2));
}
