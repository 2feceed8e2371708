/** Bytes `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** More pieces than this are an attack, or would be faster read as a whole. */
const maxRanges = 16;

/**
 * The parts that a `Range` header asks for, in order, those that touch joined: RFC 9110, section 14.2. Undefined where
 * the header is to be ignored, as it is for empty content; empty where none of it can be satisfied.
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
 * One part, empty where there is nothing of it; undefined where it cannot be read. Digits may be as many as a header
 * takes: a number too large for JavaScript is rounded, or Infinity, and lies behind the content either way.
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
