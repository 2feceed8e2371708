import type { FindAnalysis } from "../../store/ports/analyses.js";
import { cutLine, shownChars } from "./excerpt.js";
import { FoundText, type MatchedLine, type ShownLine } from "./found-text.js";
import { LineMatches } from "./line-matches.js";
import type { LinePiece } from "./line-pieces.js";
import { lineFeedsIn, startOfLine } from "./line-pieces-of.js";
import { LongLine } from "./long-line.js";
import { contentEnd, type Hit, lineEnd, type Pattern } from "./pattern.js";

/** Where a search begins. */
export interface SearchStart {
  /** The lines before this one are passed. */
  readonly line: number;
  /** Where the first line of the text begins in the content. Undefined if its bytes are not those of the content. */
  readonly offset: number | undefined;
}

/** Looks for a pattern in the pieces of a text, in order. */
export class LineSearch {
  readonly #pattern: Pattern;
  readonly #chars: number;
  readonly #context: number;
  readonly #from: number;
  readonly #text: FoundText;
  #total = 0;
  /** The number of the next line. */
  #line = 1;
  /** Where the next piece begins in the content. */
  #offset: number | undefined;
  /** The last lines before the next one that could be the context of a match. */
  #previous: ShownLine[] = [];
  #long: LongLine | undefined;
  #untriedLines = 0;
  #firstUntriedLine = 0;

  constructor(pattern: Pattern, { chars, context, lines }: FindAnalysis, { line, offset }: SearchStart) {
    this.#pattern = pattern;
    this.#chars = chars;
    this.#context = context;
    this.#from = line;
    this.#offset = offset;
    this.#text = new FoundText(chars, context, lines);
  }

  get found() {
    return { total: this.#total, ...this.#text.found };
  }

  /** The last line that was searched. */
  get searchedTo(): number {
    return this.#line - 1;
  }

  /** Lines of which only the beginning was tried. */
  get untried() {
    return { lines: this.#untriedLines, first: this.#firstUntriedLine };
  }

  /** @returns false if the time limit was reached before the end of the piece */
  search(piece: LinePiece): boolean {
    const start = this.#offset;
    if (start !== undefined) this.#offset = start + piece.bytes.length;
    if (piece.kind === "part") {
      this.#searchPart(piece, start);
      return true;
    }
    const passed = this.#line < this.#from ? startOfLine(piece.bytes, this.#from - this.#line) : 0;
    this.#passBytes(piece.bytes.subarray(0, passed));
    const rest = piece.bytes.subarray(passed);
    const { bytes } = this.#pattern;
    if (rest.length > 0 && (bytes === undefined || rest.indexOf(bytes) !== -1 || this.#text.contextEnd > 0)) {
      return this.#searchLines(rest.toString(), start === undefined ? undefined : start + passed);
    }
    this.#passBytes(rest);
    return true;
  }

  /** Ends a search before the end of the text. The beginning of a long line may have matched. */
  stop(): void {
    if (this.#long !== undefined && this.#long.matches.count > 0) this.#endLong(this.#long);
  }

  /** @param offset where these lines begin in the content */
  #searchLines(lines: string, offset: number | undefined): boolean {
    for (let at = 0; ; ) {
      const hit = this.#pattern.next(lines, at);
      if (hit === "none") {
        this.#passLines(lines, at);
        return true;
      }
      if ("untried" in hit) {
        this.#showAfter(lines, at, hit.untried);
        this.#line += feedsBetween(lines, at, hit.untried);
        return false;
      }
      const start = hit.at === 0 ? 0 : lines.lastIndexOf("\n", hit.at - 1) + 1;
      this.#showAfter(lines, at, start);
      this.#line += feedsBetween(lines, at, start);
      const end = lineEnd(lines, hit.at);
      if (this.#text.isFull) this.#text.end();
      else this.#text.match(this.#matchIn(lines, { start, end, hit }, offset), this.#before(lines, start));
      this.#total += 1;
      this.#line += 1;
      at = end + 1;
    }
  }

  /** The next line, of which `hit` is the first match. */
  #matchIn(
    lines: string,
    { start, end, hit }: { readonly start: number; readonly end: number; readonly hit: Hit },
    offset: number | undefined,
  ): MatchedLine {
    const text = lines.slice(start, contentEnd(lines, start, end));
    if (text.length <= Math.max(shownChars, this.#chars)) {
      return shownLine(this.#line, text, { ...hit, at: hit.at - start });
    }
    const matches = new LineMatches(this.#chars);
    const begins = offset === undefined ? undefined : offset + Buffer.byteLength(lines.slice(0, start));
    const part = { text, charsBefore: 0, offset: begins, isEnd: true };
    for (const found of this.#pattern.hitsIn(text, 0)) matches.add(part, found);
    return this.#matchOf(matches);
  }

  #matchOf({ count, excerpts }: LineMatches): MatchedLine {
    return { line: this.#line, text: excerpts[0]?.text ?? "", long: { matches: count, excerpts } };
  }

  /** Shows what belongs to the match before. `from` begins the next line. */
  #showAfter(lines: string, from: number, to: number): void {
    const last = this.#text.contextEnd;
    for (let [at, line] = [from, this.#line]; at < to && line <= last; line += 1) {
      const end = lineEnd(lines, at);
      this.#text.after(this.#contextLine(line, lines.slice(at, contentEnd(lines, at, end))));
      at = end + 1;
    }
  }

  #contextLine(line: number, text: string): ShownLine {
    return text.length > this.#chars ? { line, text: cutLine(text) } : shownLine(line, text);
  }

  /** The context before the next line, which begins at `start`. */
  #before(lines: string, start: number): ShownLine[] {
    const first = this.#text.contextStart(this.#line);
    const here = this.#linesBefore(lines, start, first);
    const firstHere = this.#line - here.length;
    return [...this.#previous.filter(({ line }) => line >= first && line < firstHere), ...here];
  }

  /** The lines before the next line, from line `first` on. Those that are not in the text are left out. */
  #linesBefore(lines: string, start: number, first: number): ShownLine[] {
    const found: ShownLine[] = [];
    for (let end = start - 1; end >= 0 && this.#line - 1 - found.length >= first; ) {
      const begin = end === 0 ? 0 : lines.lastIndexOf("\n", end - 1) + 1;
      const text = lines.slice(begin, contentEnd(lines, begin, end));
      found.push(this.#contextLine(this.#line - 1 - found.length, text));
      end = begin - 1;
    }
    return found.reverse();
  }

  /** Goes on behind these lines. `from` begins the next line. */
  #passLines(lines: string, from: number): void {
    this.#showAfter(lines, from, lines.length);
    this.#line += feedsBetween(lines, from, lines.length);
    if (this.#context > 0 && !this.#text.isFull) this.#keepPrevious(lines);
  }

  /** Goes on behind these lines, of which none matches. */
  #passBytes(bytes: Buffer): void {
    const context = lastLinesStart(bytes, this.#context);
    this.#line += lineFeedsIn(bytes.subarray(0, context));
    this.#passLines(bytes.toString("utf8", context), 0);
  }

  #keepPrevious(lines: string): void {
    const first = this.#line - this.#context;
    const here = this.#linesBefore(lines, lines.length, first);
    const firstHere = this.#line - here.length;
    this.#previous = [...this.#previous.filter(({ line }) => line >= first && line < firstHere), ...here];
  }

  #searchPart({ bytes, isFirst, isLast }: Extract<LinePiece, { kind: "part" }>, offset: number | undefined): void {
    if (isFirst) {
      this.#long = new LongLine(this.#line < this.#from ? undefined : this.#pattern, this.#chars, offset);
    }
    this.#long?.write(bytes, isLast);
    if (isLast && this.#long !== undefined) this.#endLong(this.#long);
  }

  #endLong(long: LongLine): void {
    this.#long = undefined;
    const line = this.#line;
    if (long.isCut) {
      if (this.#untriedLines === 0) this.#firstUntriedLine = line;
      this.#untriedLines += 1;
    }
    const shown = { line, text: long.beginning };
    if (long.matches.count > 0) {
      const first = this.#text.contextStart(line);
      const before = this.#previous.filter((each) => each.line >= first);
      if (this.#text.isFull) this.#text.end();
      else this.#text.match(this.#matchOf(long.matches), before);
      this.#total += 1;
    } else if (line <= this.#text.contextEnd) this.#text.after(shown);
    this.#previous = this.#context === 0 ? [] : [...this.#previous, shown].slice(-this.#context);
    this.#line += 1;
  }
}

/** A line that a page has room for. */
function shownLine(line: number, text: string, hit?: Hit): ShownLine {
  return text.length <= shownChars ? { line, text } : { line, text: cutLine(text, hit), whole: text };
}

function feedsBetween(lines: string, from: number, to: number): number {
  let feeds = 0;
  for (let at = lines.indexOf("\n", from); at !== -1 && at < to; at = lines.indexOf("\n", at + 1)) feeds += 1;
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
