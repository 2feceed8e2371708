import type { LinesPage } from "../../store/ports/description.js";
import { isLowSurrogate } from "./excerpt.js";
import type { LinePiece } from "./line-pieces.js";
import { linesIn, startOfLine } from "./line-pieces-of.js";

const feed = 0x0a;
const carriageReturn = 0x0d;

/** Lines that are wanted, and the room for them. */
export interface WantedLines {
  readonly first: number;
  readonly last: number;
  readonly chars: number;
}

/** Takes the lines that are wanted from the pieces of a text, as far as there is room for them. */
export class PageOfLines {
  readonly #wanted: WantedLines;
  readonly #lines: string[] = [];
  #length = 0;
  #isFull = false;
  #cut: { line: number; shown_bytes: number; line_bytes: number } | undefined;
  #isInCut = false;
  #lastByte: number | undefined;
  /** Lines of the text before the next piece. */
  passed = 0;

  constructor(wanted: WantedLines) {
    this.#wanted = wanted;
  }

  /** What the next pieces hold does not matter. */
  get isDone(): boolean {
    const isLast = this.#wanted.first + this.#lines.length > this.#wanted.last;
    return !this.#isInCut && (this.#isFull || isLast);
  }

  get lines(): number {
    return this.#lines.length;
  }

  get page(): Pick<LinesPage, "text" | "first" | "last" | "cut"> {
    const { first } = this.#wanted;
    const last = first + this.#lines.length - 1;
    return { text: this.#lines.join("\n"), first, last, ...(this.#cut && { cut: this.#cut }) };
  }

  add(piece: LinePiece): void {
    if (this.#isInCut && piece.kind === "part") this.#measure(piece);
    else if (!this.isDone) {
      if (piece.kind === "lines") this.#addLines(piece.bytes);
      else if (piece.isFirst && this.passed + 1 === this.#next) this.#beginCut(piece);
    }
    this.passed += linesIn(piece);
  }

  /** The number of the line that comes next on the page. */
  get #next(): number {
    return this.#wanted.first + this.#lines.length;
  }

  #addLines(bytes: Buffer): void {
    let start = startOfLine(bytes, this.#next - this.passed - 1);
    while (start < bytes.length && !this.isDone) {
      const end = bytes.indexOf(feed, start);
      const line = bytes.subarray(start, end === -1 ? bytes.length : contentEnd(bytes, start, end));
      this.#addLine(line);
      start = end === -1 ? bytes.length : end + 1;
    }
  }

  #addLine(bytes: Buffer): void {
    const { chars } = this.#wanted;
    const text = bytes.toString();
    if (this.#length + text.length <= chars) {
      this.#lines.push(text);
      this.#length += text.length + 1;
      return;
    }
    this.#isFull = true;
    if (this.#lines.length === 0) this.#cutLine(text, bytes.length);
  }

  #cutLine(text: string, line_bytes: number): void {
    const at = Math.min(text.length, this.#wanted.chars);
    const shown = text.slice(0, isLowSurrogate(text, at) ? at - 1 : at);
    this.#cut = { line: this.#next, shown_bytes: Buffer.byteLength(shown), line_bytes };
    this.#lines.push(shown);
  }

  /** A line that comes in parts is longer than any page. */
  #beginCut(piece: Extract<LinePiece, { kind: "part" }>): void {
    this.#isFull = true;
    if (this.#lines.length > 0) return;
    this.#cutLine(piece.bytes.toString(), 0);
    this.#isInCut = true;
    this.#measure(piece);
  }

  #measure({ bytes, isLast }: Extract<LinePiece, { kind: "part" }>): void {
    if (this.#cut === undefined) return;
    const isEnded = isLast && bytes.at(-1) === feed;
    const before = bytes.length > 1 ? bytes.at(-2) : this.#lastByte;
    const endBytes = isEnded ? (before === carriageReturn ? 2 : 1) : 0;
    this.#cut.line_bytes += bytes.length - endBytes;
    this.#lastByte = bytes.at(-1);
    if (isLast) this.#isInCut = false;
  }
}

/** Where the content of a line ends that has a line feed at `end`. */
function contentEnd(bytes: Buffer, start: number, end: number): number {
  return end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
}
