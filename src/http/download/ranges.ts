/** Bytes from `start` up to, but not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A request for more ranges than this is an attack, or is faster answered with the whole content. */
const maxRanges = 16;

/**
 * Returns the ranges in a `Range` field (RFC 9110, section 14.2) in ascending order. Ranges that overlap or touch are
 * joined. Returns undefined if the field must be ignored, which includes every field for empty content. Returns an
 * empty list if no range can be satisfied.
 *
 * @param bytes size of the content
 */
export function readRanges(header: string, bytes: number): ByteRange[] | undefined {
  const [, list] = /^bytes=(.+)$/i.exec(header) ?? [];
  if (list === undefined || bytes === 0) return undefined;
  const specs = list.split(",").map((part) => part.trim());
  const ranges = specs.filter((spec) => spec !== "").map((spec) => readRange(spec, bytes));
  if (ranges.length === 0 || !ranges.every((range) => range !== undefined)) return undefined;
  const joined = join(ranges.filter(({ start, end }) => start < end));
  return joined.length > maxRanges ? undefined : joined;
}

/**
 * Returns one range, with `end` at most at `start` if it has no byte of the content; undefined if it is malformed. A
 * number that is too large for JavaScript is rounded or becomes Infinity. Either way it lies beyond the content.
 */
function readRange(spec: string, bytes: number): ByteRange | undefined {
  const [, first = "", last = ""] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (first === "") return last === "" ? undefined : { start: Math.max(0, bytes - Number(last)), end: bytes };
  if (last === "") return { start: Number(first), end: bytes };
  return Number(last) < Number(first) ? undefined : { start: Number(first), end: Math.min(bytes, Number(last) + 1) };
}

function join(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last === undefined || range.start > last.end) joined.push(range);
    else joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
  }
  return joined;
}
