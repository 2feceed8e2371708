import { blockBytes, type Run } from "../source.js";
import type { Text } from "./text-of.js";

/** Lines `[from, to)`. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

export interface ShownLine {
  /** Without its line end. */
  readonly text: string;
  readonly hasLineEnd: boolean;
}

/** Longer lines are cut. */
export const maxLineChars = 500;
const maxLineBytes = 4 * maxLineChars;
/** Places that are nearer are reached by reading on. */
const nearBytes = 4 * blockBytes;

/**
 * Lines of a text, by number. It reads only near them, or if the text is no plain one as far as the last of them; then
 * lines are missing if the time is over.
 *
 * @param ranges in rising order
 */
export async function shownLines(
  text: Text,
  ranges: readonly LineRange[],
  run: Run,
): Promise<ReadonlyMap<number, ShownLine>> {
  const lines = new Map<number, ShownLine>();
  const wanted = ranges.filter(({ from, to }) => from < to);
  for (let next = 0; next < wanted.length; ) next = await readOn(text, wanted, next, lines, run);
  return lines;
}

/** Reads ranges that are near to each other. Returns the index of the first one that was not read. */
async function readOn(
  text: Text,
  ranges: readonly LineRange[],
  first: number,
  lines: Map<number, ShownLine>,
  run: Run,
): Promise<number> {
  const place = text.placeBefore(ranges[first]?.from ?? 0);
  let offset = place.offset;
  let number = place.line;
  let line = new CutLine();
  let next = first;
  const isWanted = () => number >= (ranges[next] as LineRange).from;
  for await (const block of text.blocks(place)) {
    for (let from = 0; from < block.length; ) {
      const at = block.indexOf(10, from);
      const to = at < 0 ? block.length : at;
      if (isWanted()) line.add(block, from, to);
      if (at < 0) break;
      if (isWanted()) lines.set(number, line.take(true));
      if (line.bytes > 0) line = new CutLine();
      number++;
      from = at + 1;
      while (number >= (ranges[next]?.to ?? Number.POSITIVE_INFINITY)) next++;
      if (next === ranges.length) return next;
    }
    offset += block.length;
    if (text.placeBefore((ranges[next] as LineRange).from).offset > offset + nearBytes) return next;
    if (!text.isPlain && run.isOver()) return ranges.length;
  }
  if (line.bytes > 0) lines.set(number, line.take(false));
  return ranges.length;
}

/** The beginning of a line. */
class CutLine {
  /** Of the whole line. */
  bytes = 0;
  readonly #parts: Buffer[] = [];
  #kept = 0;

  add(block: Uint8Array, from: number, to: number): void {
    this.bytes += to - from;
    const length = Math.min(to - from, maxLineBytes - this.#kept);
    if (length <= 0) return;
    this.#parts.push(Buffer.from(block.subarray(from, from + length)));
    this.#kept += length;
  }

  take(hasLineEnd: boolean): ShownLine {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(this.#parts));
    if (text.length <= maxLineChars && this.bytes === this.#kept) return { text, hasLineEnd };
    const isPair = (text.codePointAt(maxLineChars - 1) ?? 0) > 0xffff;
    const shown = text.slice(0, isPair ? maxLineChars - 1 : maxLineChars);
    return { text: `${shown} [... ${this.bytes} bytes]`, hasLineEnd };
  }
}
