/*
 * Keys are ordered by their UTF-8 bytes, which is the order of their code points. JavaScript compares UTF-16 units,
 * which is a different order for characters above U+FFFF.
 */

/** Negative, 0 or positive if `a` comes before, equals or comes after `b` in the order of their UTF-8 bytes. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * The smallest text above every text that begins with `prefix`: the prefix with its last code point raised by one.
 * Undefined if there is no such text.
 */
export function prefixUpperBound(prefix: string): string | undefined {
  const points = [...prefix];
  while (points.length > 0) {
    const last = points.pop()?.codePointAt(0) ?? 0;
    if (last === 0x10ffff) continue; // the highest code point: the one before it is raised
    // Surrogates are not characters.
    return points.join("") + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}

/** Where a page begins. */
export interface PageStart {
  readonly key: string;
  /** Whether the page includes an entry at `key` itself. */
  readonly isIncluded: boolean;
}

/** The start of the page of rows under `prefix` that follows the key `after`. */
export function startAfter(prefix: string, after: string | undefined): PageStart {
  if (after === undefined || compareKeys(after, prefix) < 0) return { key: prefix, isIncluded: true };
  return { key: after, isIncluded: false };
}

/**
 * The start of the page of entries under `prefix` that follows the row or group `after`. Everything in that group is
 * skipped. Undefined if no entry can follow.
 */
export function startAfterEntry(prefix: string, delimiter: string, after: string | undefined): PageStart | undefined {
  const at = after?.startsWith(prefix) ? after.indexOf(delimiter, prefix.length) : -1;
  if (after === undefined || at === -1) return startAfter(prefix, after);
  const key = prefixUpperBound(after.slice(0, at + delimiter.length));
  return key === undefined ? undefined : { key, isIncluded: true };
}
