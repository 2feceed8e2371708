/*
 * Keys are ordered by their UTF-8 bytes, and so by their code points. JavaScript compares UTF-16 units, which is
 * another order for characters above U+FFFF.
 */

/** Negative, 0 or positive, as `a` comes before, with or after `b` in the order of their UTF-8 bytes. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * The least text above every text that begins with `prefix`: its last code point is raised by one. Undefined if there
 * is none.
 */
export function aboveAllWith(prefix: string): string | undefined {
  const points = [...prefix];
  while (points.length > 0) {
    const last = points.pop()?.codePointAt(0) ?? 0;
    if (last === 0x10ffff) continue; // has no successor: the one before is raised
    // Surrogates are no characters.
    return points.join("") + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}

/** Where a page begins. */
export interface PageStart {
  readonly key: string;
  /** Whether an entry at `key` itself is in the page. */
  readonly isIncluded: boolean;
}

/** Where the rows under `prefix` go on behind the key `after`. */
export function startBehind(prefix: string, after: string | undefined): PageStart {
  if (after === undefined || compareKeys(after, prefix) < 0) return { key: prefix, isIncluded: true };
  return { key: after, isIncluded: false };
}

/**
 * Where the entries under `prefix` go on behind the row or group `after`: a group is passed over with all that is in
 * it. Undefined if nothing can come.
 */
export function startBehindEntry(prefix: string, delimiter: string, after: string | undefined): PageStart | undefined {
  const at = after?.startsWith(prefix) ? after.indexOf(delimiter, prefix.length) : -1;
  if (after === undefined || at === -1) return startBehind(prefix, after);
  const key = aboveAllWith(after.slice(0, at + delimiter.length));
  return key === undefined ? undefined : { key, isIncluded: true };
}
