import { maxRowChars } from "./row-texts.js";

const quote = 0x22;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/**
 * The rows of a text by RFC 4180, one after another. A row ends with CRLF, LF or CR. As in Python's `csv`, a quote inside
 * a cell that does not begin with one is a plain character, and what follows a closing quote belongs to the cell.
 */
export class CsvRows {
  readonly #text: string;
  readonly #delimiter: string;
  readonly #isLast: boolean;
  #cells: string[] = [];
  #at = 0;
  /** The next of each character. They are looked for only when the rows have come so far. */
  #lf = -1;
  #cr = -1;
  #quote = -1;
  #delim = -1;
  #hasOpenQuote = false;
  #isTooLong = false;

  /** @param isLast the text ends with a whole row; otherwise the row at its end may go on */
  constructor(text: string, delimiter: string, isLast: boolean) {
    this.#text = text;
    this.#delimiter = delimiter;
    this.#isLast = isLast;
  }

  /** Where the row begins that is not whole, after `next` has returned false. */
  get at(): number {
    return this.#at;
  }

  /** The row that is not whole has a quote that is not closed. */
  get hasOpenQuote(): boolean {
    return this.#hasOpenQuote;
  }

  /** The row at which `next` has returned false is whole, and longer than a row may be. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /** The cells of the row. */
  get cells(): string[] {
    return this.#cells;
  }

  /**
   * Goes to the next row that is not blank. Returns false if there is no whole one, or if it is too long.
   *
   * @param limit how many cells are made at most; the others are only passed
   */
  next(limit: number): boolean {
    const { length } = this.#text;
    while (this.#at < length) {
      const start = this.#at;
      const lineEnd = this.#rowEndFrom(start);
      if (this.#quote < start) this.#quote = this.#find('"', start);
      const end = this.#quote < lineEnd ? this.#passQuoted(start, limit) : this.#passPlain(start, lineEnd, limit);
      this.#isTooLong = end !== undefined && end - start > maxRowChars;
      if (end === undefined || this.#isTooLong) return false;
      this.#at = this.#behindLineEnd(end);
      if (end > start) return true;
    }
    return false;
  }

  /** The end of the row without a quote. */
  #passPlain(start: number, lineEnd: number, limit: number): number | undefined {
    const end = this.#settledEnd(lineEnd);
    if (end !== undefined && limit > 0 && end > start) {
      this.#cells = this.#text.slice(start, end).split(this.#delimiter, limit);
    }
    return end;
  }

  /** The end of the row, cell by cell. */
  #passQuoted(start: number, limit: number): number | undefined {
    const cells: string[] = [];
    this.#cells = cells;
    for (let at = start; ; ) {
      const isQuoted = this.#text.charCodeAt(at) === quote;
      const close = isQuoted ? this.#closingQuote(at + 1) : at - 1;
      const end = close === undefined ? undefined : this.#cellEnd(close + 1);
      if (close === undefined || end === undefined) return undefined;
      if (cells.length < limit) cells.push(isQuoted ? this.#unquoted(at, close, end) : this.#text.slice(at, end));
      if (end !== this.#delim) return end;
      at = end + 1;
    }
  }

  /** The next delimiter or line end. Undefined if more text has to tell it. */
  #cellEnd(at: number): number | undefined {
    const lineEnd = this.#rowEndFrom(at);
    if (this.#delim < at) this.#delim = this.#find(this.#delimiter, at);
    return this.#delim < lineEnd ? this.#delim : this.#settledEnd(lineEnd);
  }

  #unquoted(start: number, close: number, end: number): string {
    const inside = this.#text.slice(start + 1, close);
    const cell = inside.includes('"') ? inside.replaceAll('""', '"') : inside;
    return close + 1 === end ? cell : cell + this.#text.slice(close + 1, end);
  }

  /** Undefined if it is not known yet. */
  #closingQuote(from: number): number | undefined {
    for (let at = this.#text.indexOf('"', from); at !== -1; at = this.#text.indexOf('"', at + 2)) {
      if (at + 1 === this.#text.length && !this.#isLast) break; // the next character may be a quote too
      if (this.#text.charCodeAt(at + 1) !== quote) return at;
    }
    this.#hasOpenQuote = true;
    return undefined;
  }

  /** The next line end at or after an offset. Infinity if the text has none. */
  #rowEndFrom(at: number): number {
    if (this.#lf < at) this.#lf = this.#find("\n", at);
    if (this.#cr < at) this.#cr = this.#find("\r", at);
    return Math.min(this.#lf, this.#cr);
  }

  /** The end of a row whose line end is there. Undefined if more text has to tell it. */
  #settledEnd(lineEnd: number): number | undefined {
    const { length } = this.#text;
    if (this.#isLast) return Math.min(lineEnd, length);
    const mayGoOn = lineEnd + 1 >= length && this.#text.charCodeAt(lineEnd) !== lineFeed; // CR, or nothing
    return lineEnd === Number.POSITIVE_INFINITY || mayGoOn ? undefined : lineEnd;
  }

  #behindLineEnd(end: number): number {
    return this.#text.charCodeAt(end) === carriageReturn && this.#text.charCodeAt(end + 1) === lineFeed
      ? end + 2
      : end + 1;
  }

  #find(what: string, from: number): number {
    const at = this.#text.indexOf(what, from);
    return at === -1 ? Number.POSITIVE_INFINITY : at;
  }
}
