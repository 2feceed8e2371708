import type { Encoding } from "../../store/model/formats/text-encoding.js";
import type { TextDescription } from "../../store/ports/description.js";

const lf = 0x0a;
const cr = 0x0d;

/** Counts the lines of a text by its bytes, without decoding it. A line ends with LF or CRLF. */
export class TextScanner {
  readonly #encoding: Encoding;
  readonly #bom: boolean;
  #ended = 0;
  #crlf = 0;
  #hasReturn = false;
  #longest = 0;
  #longestLine = 0;
  /** Bytes seen before the block. */
  #seen: number;
  #lineStart: number;
  /** The last code unit. */
  #last = 0;
  /** Half a code unit of UTF-16. */
  #half: number | undefined;

  constructor({ encoding, bom }: { readonly encoding: Encoding; readonly bom: boolean }) {
    this.#encoding = encoding;
    this.#bom = bom;
    this.#seen = 0;
    this.#lineStart = bom ? (encoding === "utf-8" ? 3 : 2) : 0;
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
      else if (byte === cr) this.#hasReturn = true;
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
      else if (unit === cr) this.#hasReturn = true;
      this.#last = unit;
    }
    this.#half = half;
  }

  #lineFeed(at: number, width: number, isCrlf: boolean): void {
    const length = at - this.#lineStart - (isCrlf ? width : 0);
    this.#lineStart = at + width;
    this.#ended += 1;
    if (isCrlf) this.#crlf += 1;
    if (length > this.#longest || this.#longestLine === 0) {
      this.#longest = length;
      this.#longestLine = this.#ended;
    }
  }

  /** What was seen until here. */
  facts(): TextDescription {
    const ended = this.#ended;
    const rest = Math.max(0, this.#seen - this.#lineStart);
    const isRestLongest = rest > this.#longest || ended === 0;
    return {
      encoding: this.#encoding,
      bom: this.#bom,
      line_ends: ended === 0 && this.#hasReturn ? "cr" : lineEnds(ended, this.#crlf),
      lines: ended + (rest > 0 ? 1 : 0),
      longest_line: isRestLongest
        ? { line: rest > 0 ? ended + 1 : 0, bytes: rest }
        : { line: this.#longestLine, bytes: this.#longest },
    };
  }
}

function lineEnds(lines: number, crlf: number): TextDescription["line_ends"] {
  if (lines === 0) return "none";
  if (crlf === 0) return "lf";
  return crlf === lines ? "crlf" : "mixed";
}
