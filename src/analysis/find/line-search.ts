import { StringDecoder } from "node:string_decoder";
import type { FindAnalysis } from "../../store/ports/analyses.js";
import { cutLine, FoundText, type ShownLine } from "./found-text.js";
import { type LinePiece, longLineBytes } from "./line-pieces.js";
import { contentEnd, lineEnd, type Pattern } from "./pattern.js";

/** Characters before the end of a part of a long line that are kept, to show what is before a match in the next part. */
const keptChars = 200;

/** A line that comes in parts. */
interface LongLine {
  /** How it is shown if it does not match. */
  readonly beginning: string;
  /** How it is shown if it matches. */
  match: string | undefined;
  /** The end of the part before. */
  tail: string;
  /** Parts may end inside a character. */
  readonly decoder: StringDecoder;
}

/** Looks for a pattern in the pieces of a text, in order. */
export class LineSearch {
  readonly #pattern: Pattern;
  readonly #wanted: FindAnalysis;
  readonly #text: FoundText;
  #total = 0;
  /** Matches before the first line that is wanted. */
  #earlier = 0;
  /** The number of the next line. */
  #line = 1;
  /** The last lines before it that could be the context of a match. */
  #previous: ShownLine[] = [];
  #long: LongLine | undefined;
  #untriedLines = 0;
  #firstUntriedLine = 0;

  constructor(pattern: Pattern, wanted: FindAnalysis) {
    this.#pattern = pattern;
    this.#wanted = wanted;
    this.#text = new FoundText(wanted.chars, wanted.context);
  }

  get found() {
    return { total: this.#total, before: this.#earlier, ...this.#text.found };
  }

  /** Lines of which only the beginning was tried. */
  get untried() {
    return { lines: this.#untriedLines, first: this.#firstUntriedLine };
  }

  /** @returns false if the time was over before the end of the piece */
  search(piece: LinePiece): boolean {
    if (piece.kind === "part") {
      this.#searchPart(piece);
      return true;
    }
    const { bytes } = this.#pattern;
    if (bytes === undefined || piece.bytes.indexOf(bytes) !== -1 || this.#text.contextEnd > 0) {
      return this.#searchLines(piece.bytes.toString());
    }
    const context = lastLinesStart(piece.bytes, this.#wanted.context);
    this.#line += lineFeedsIn(piece.bytes.subarray(0, context));
    this.#passLines(piece.bytes.toString("utf8", context), 0);
    return true;
  }

  #searchLines(lines: string): boolean {
    for (let at = 0; ; ) {
      const hit = this.#pattern.next(lines, at);
      if (typeof hit === "string") {
        if (hit === "none") this.#passLines(lines, at);
        return hit === "none";
      }
      const start = hit.at === 0 ? 0 : lines.lastIndexOf("\n", hit.at - 1) + 1;
      this.#showAfter(lines, at, start);
      this.#line += feedsBetween(lines, at, start);
      const end = lineEnd(lines, hit.at);
      if (this.#isShown) {
        const text = lines.slice(start, contentEnd(lines, start, end));
        this.#showMatch(cutLine(text, { ...hit, at: hit.at - start }), this.#before(lines, start));
      }
      this.#count();
      this.#line += 1;
      at = end + 1;
    }
  }

  /** Counts a match in the next line. */
  #count(): void {
    this.#total += 1;
    if (this.#line < (this.#wanted.line ?? 1)) this.#earlier += 1;
  }

  /** Whether a match in the next line is to be shown. */
  get #isShown(): boolean {
    return !this.#text.isFull && this.#line >= (this.#wanted.line ?? 1);
  }

  #showMatch(text: string, before: readonly ShownLine[]): void {
    this.#text.match({ line: this.#line, text }, before);
  }

  /** Shows what belongs to the match before. `from` begins the next line. */
  #showAfter(lines: string, from: number, to: number): void {
    const last = this.#text.contextEnd;
    for (let [at, line] = [from, this.#line]; at < to && line <= last; line += 1) {
      const end = lineEnd(lines, at);
      this.#text.after({ line, text: cutLine(lines.slice(at, contentEnd(lines, at, end))) });
      at = end + 1;
    }
  }

  /** The context before the next line, which begins at `start`. */
  #before(lines: string, start: number): ShownLine[] {
    const first = this.#text.contextStart(this.#line);
    const here = linesBefore(lines, start, this.#line, first);
    const firstHere = this.#line - here.length;
    return [...this.#previous.filter(({ line }) => line >= first && line < firstHere), ...here];
  }

  /** Goes on behind these lines. `from` begins the next line. */
  #passLines(lines: string, from: number): void {
    this.#showAfter(lines, from, lines.length);
    this.#line += feedsBetween(lines, from, lines.length);
    const first = this.#line - this.#wanted.context;
    if (this.#wanted.context === 0 || this.#text.isFull) return;
    const here = linesBefore(lines, lines.length, this.#line, first);
    const firstHere = this.#line - here.length;
    this.#previous = [...this.#previous.filter(({ line }) => line >= first && line < firstHere), ...here];
  }

  #searchPart({ bytes, isFirst, isLast }: Extract<LinePiece, { kind: "part" }>): void {
    if (isFirst) this.#beginLong(bytes);
    else if (this.#long !== undefined) this.#goOnInLong(this.#long, bytes);
    if (isLast && this.#long !== undefined) this.#endLong(this.#long);
  }

  #beginLong(bytes: Buffer): void {
    const isTriedWhole = this.#pattern.length !== undefined;
    const decoder = new StringDecoder("utf8");
    const text = withoutEnd(decoder.write(isTriedWhole ? bytes : bytes.subarray(0, longLineBytes)));
    const hit = this.#pattern.inBeginning(text);
    const match = hit === "none" ? undefined : cutLine(text, hit);
    this.#long = { beginning: cutLine(text), match, tail: this.#tailOf(text), decoder };
    if (isTriedWhole || match !== undefined) return;
    if (this.#untriedLines === 0) this.#firstUntriedLine = this.#line;
    this.#untriedLines += 1;
  }

  #goOnInLong(long: LongLine, bytes: Buffer): void {
    if (long.match !== undefined || this.#pattern.length === undefined) return;
    const text = withoutEnd(`${long.tail}${long.decoder.write(bytes)}`);
    const hit = this.#pattern.inBeginning(text);
    if (hit !== "none") long.match = `…${cutLine(text, hit).replace(/^…/, "")}`;
    long.tail = this.#tailOf(text);
  }

  /** Enough for a match that the next part ends, and for what is shown before a match. */
  #tailOf(text: string): string {
    return text.slice(-keptChars - (this.#pattern.length ?? 0));
  }

  #endLong({ match, beginning }: LongLine): void {
    this.#long = undefined;
    if (match === undefined) {
      if (this.#line <= this.#text.contextEnd) this.#text.after({ line: this.#line, text: beginning });
    } else {
      const first = this.#text.contextStart(this.#line);
      if (this.#isShown)
        this.#showMatch(
          match,
          this.#previous.filter(({ line }) => line >= first),
        );
      this.#count();
    }
    this.#previous = [...this.#previous, { line: this.#line, text: beginning }].slice(-this.#wanted.context);
    this.#line += 1;
  }
}

/** The lines before `start`, which begins line `line`, from line `first` on. Those that are not in the text are left out. */
function linesBefore(lines: string, start: number, line: number, first: number): ShownLine[] {
  const found: ShownLine[] = [];
  for (let end = start - 1; end >= 0 && line - 1 - found.length >= first; ) {
    const begin = end === 0 ? 0 : lines.lastIndexOf("\n", end - 1) + 1;
    found.push({ line: line - 1 - found.length, text: cutLine(lines.slice(begin, contentEnd(lines, begin, end))) });
    end = begin - 1;
  }
  return found.reverse();
}

function feedsBetween(lines: string, from: number, to: number): number {
  let feeds = 0;
  for (let at = lines.indexOf("\n", from); at !== -1 && at < to; at = lines.indexOf("\n", at + 1)) feeds += 1;
  return feeds;
}

function lineFeedsIn(bytes: Buffer): number {
  let feeds = 0;
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) feeds += 1;
  return feeds;
}

/** Where the last lines of these lines begin. */
function lastLinesStart(bytes: Buffer, count: number): number {
  let start = bytes.length;
  for (let lines = 0; lines < count && start > 0; lines += 1) {
    start = start === 1 ? 0 : bytes.lastIndexOf(0x0a, start - 2) + 1;
  }
  return start;
}

/** A line without its line end. */
function withoutEnd(line: string): string {
  return line.endsWith("\n") ? line.slice(0, contentEnd(line, 0, line.length - 1)) : line;
}
