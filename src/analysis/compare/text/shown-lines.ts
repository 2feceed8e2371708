import { blockBytes, type Run } from "../../source.js";
import type { Place, Text } from "./text-of.js";

/** Lines `[from, to)`. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

export interface ShownLine {
  /** Its beginning at least, without its line end. */
  readonly text: string;
  /** Of the whole line, without its line end. */
  readonly bytes: number;
  /** `text` is all of it. */
  readonly isWhole: boolean;
  readonly hasLineEnd: boolean;
}

/** Bytes that are kept of all lines, about, and of one. */
const keptBytes = 2 * 1024 * 1024;
const leastLineBytes = 2 * 1024;
const mostLineBytes = 1024 * 1024;
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
  const reader = new LineReader(ranges);
  while (reader.next !== undefined) {
    const place = text.placeBefore(reader.next.from);
    if (!(await readOn(text, place, reader, run))) break;
  }
  return reader.lines;
}

/** Reads ranges that are near to each other. Returns whether it is worth to read on, at another place. */
async function readOn(text: Text, place: Place, reader: LineReader, run: Run): Promise<boolean> {
  let { offset } = place;
  reader.begin(place.line);
  for await (const block of text.blocks(place)) {
    reader.add(block);
    offset += block.length;
    if (reader.next === undefined) return false;
    if (text.placeBefore(reader.next.from).offset > offset + nearBytes) return true;
    if (!text.isPlain && run.isOver()) return false;
  }
  reader.end();
  return false;
}

class LineReader {
  readonly lines = new Map<number, ShownLine>();
  readonly #ranges: readonly LineRange[];
  readonly #lineBytes: number;
  #at = 0;
  #number = 0;
  #line: CutLine;

  constructor(ranges: readonly LineRange[]) {
    this.#ranges = ranges.filter(({ from, to }) => from < to);
    const wanted = this.#ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    this.#lineBytes = Math.max(leastLineBytes, Math.min(mostLineBytes, keptBytes / Math.max(1, wanted)));
    this.#line = new CutLine(this.#lineBytes);
  }

  /** The range that is read, or the next one. */
  get next(): LineRange | undefined {
    return this.#ranges[this.#at];
  }

  /** Blocks begin in this line. */
  begin(line: number): void {
    this.#number = line;
    this.#line = new CutLine(this.#lineBytes);
  }

  add(block: Uint8Array): void {
    for (let from = 0; from < block.length && this.next !== undefined; ) {
      const at = block.indexOf(10, from);
      if (this.#number >= this.next.from) this.#line.add(block, from, at < 0 ? block.length : at);
      if (at < 0) return;
      this.#endLine(true);
      from = at + 1;
    }
  }

  end(): void {
    if (this.#line.bytes > 0) this.#endLine(false);
  }

  #endLine(hasLineEnd: boolean): void {
    if (this.next !== undefined && this.#number >= this.next.from) {
      this.lines.set(this.#number, this.#line.take(hasLineEnd));
      this.#line = new CutLine(this.#lineBytes);
    }
    this.#number++;
    while (this.next !== undefined && this.#number >= this.next.to) this.#at++;
  }
}

/** The beginning of a line. */
class CutLine {
  /** Of the whole line. */
  bytes = 0;
  readonly #parts: Buffer[] = [];
  readonly #maxBytes: number;
  #kept = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(block: Uint8Array, from: number, to: number): void {
    this.bytes += to - from;
    const length = Math.min(to - from, Math.floor(this.#maxBytes) - this.#kept);
    if (length <= 0) return;
    this.#parts.push(Buffer.from(block.subarray(from, from + length)));
    this.#kept += length;
  }

  take(hasLineEnd: boolean): ShownLine {
    const isWhole = this.bytes === this.#kept;
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    // A character that the cut has divided is left out.
    const text = decoder.decode(Buffer.concat(this.#parts), { stream: !isWhole });
    return { text, bytes: this.bytes, isWhole, hasLineEnd };
  }
}
