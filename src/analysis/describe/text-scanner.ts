import type { Encoding } from "../../store/model/text-encoding.js";
import type { TextDescription } from "../../store/ports/description.js";

const lf = 0x0a;
const cr = 0x0d;

/** Lines that one character ends. */
class LineCounter {
  ended = 0;
  longest = 0;
  longestLine = 0;

  /** @param length in bytes, without the line end */
  add(length: number): void {
    this.ended += 1;
    if (length > this.longest || this.longestLine === 0) {
      this.longest = length;
      this.longestLine = this.ended;
    }
  }
}

/** Counts the lines of a text by its bytes, without decoding it. */
export class TextScanner {
  readonly #encoding: Encoding;
  readonly #bom: boolean;
  readonly #byLf = new LineCounter();
  /** Used only if the text has no LF. */
  readonly #byCr = new LineCounter();
  #crlf = 0;
  /** Bytes seen before the block. */
  #seen: number;
  #lfStart: number;
  #crStart: number;
  /** The last code unit. */
  #last = 0;
  /** Half a code unit of UTF-16. */
  #half: number | undefined;

  constructor({ encoding, bom }: { readonly encoding: Encoding; readonly bom: boolean }) {
    this.#encoding = encoding;
    this.#bom = bom;
    this.#seen = 0;
    this.#lfStart = bom ? (encoding === "utf-8" ? 3 : 2) : 0;
    this.#crStart = this.#lfStart;
  }

  write(block: Uint8Array): void {
    if (this.#encoding.startsWith("utf-16")) this.#write16(block);
    else this.#write8(block);
    this.#seen += block.length;
  }

  #write8(block: Uint8Array): void {
    for (let at = 0; at < block.length; at += 1) {
      const byte = block[at] as number;
      if (byte > cr) continue;
      if (byte === lf) this.#lineFeed(this.#seen + at, 1, (at === 0 ? this.#last : block[at - 1]) === cr);
      else if (byte === cr) this.#carriageReturn(this.#seen + at, 1);
    }
    this.#last = block.at(-1) ?? this.#last;
  }

  #write16(block: Uint8Array): void {
    const isLittle = this.#encoding === "utf-16le";
    let half = this.#half;
    for (let at = 0; at < block.length; at += 1) {
      const byte = block[at] as number;
      if (half === undefined) {
        half = byte;
        continue;
      }
      const unit = isLittle ? half | (byte << 8) : (half << 8) | byte;
      half = undefined;
      if (unit === lf) this.#lineFeed(this.#seen + at - 1, 2, this.#last === cr);
      else if (unit === cr) this.#carriageReturn(this.#seen + at - 1, 2);
      this.#last = unit;
    }
    this.#half = half;
  }

  #lineFeed(at: number, width: number, isCrlf: boolean): void {
    if (isCrlf) this.#crlf += 1;
    this.#byLf.add(at - this.#lfStart - (isCrlf ? width : 0));
    this.#lfStart = at + width;
  }

  #carriageReturn(at: number, width: number): void {
    if (this.#byLf.ended > 0) return;
    this.#byCr.add(at - this.#crStart);
    this.#crStart = at + width;
  }

  /** What was seen until here. */
  facts(): TextDescription {
    const isByCr = this.#byLf.ended === 0 && this.#byCr.ended > 0;
    const counter = isByCr ? this.#byCr : this.#byLf;
    const rest = Math.max(0, this.#seen - (isByCr ? this.#crStart : this.#lfStart));
    const isRestLongest = rest > counter.longest || counter.ended === 0;
    return {
      encoding: this.#encoding,
      bom: this.#bom,
      line_ends: isByCr ? "cr" : lineEnds(counter.ended, this.#crlf),
      lines: counter.ended + (rest > 0 ? 1 : 0),
      longest_line: isRestLongest
        ? { line: rest > 0 ? counter.ended + 1 : 0, bytes: rest }
        : { line: counter.longestLine, bytes: counter.longest },
    };
  }
}

function lineEnds(lines: number, crlf: number): TextDescription["line_ends"] {
  if (lines === 0) return "none";
  if (crlf === 0) return "lf";
  return crlf === lines ? "crlf" : "mixed";
}
