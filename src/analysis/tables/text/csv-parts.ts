import Papa from "papaparse";
import type { CsvDialect } from "./csv-dialect.js";
import { maxRowChars } from "./row-texts.js";

/** Text that is parsed at once: few rows, so that they are garbage before they grow old. */
const partChars = 16 * 1024;
/** papaparse makes all cells of a row, and an object for each stray quote. A row that goes on after so many is given up. */
const maxDelimiters = 500_000;
const maxStrayQuotes = 10_000;

/** Rows that follow one another. */
export interface CsvPart {
  /** Their cells. Blank lines are left out. */
  readonly rows: string[][];
  /** Indexes of the rows with a quote in a quoted cell that is not doubled. */
  readonly stray: readonly number[];
}

type Failure = "open quote" | "too long";

/** The rows of a text, as papaparse reads them, part by part. A row that a part cuts is parsed again with twice the text. */
export class CsvParts {
  readonly #text: string;
  readonly #dialect: CsvDialect;
  readonly #isLast: boolean;
  #at = 0;
  #failure: Failure | undefined;

  /** @param isLast the text ends with a whole row; otherwise the row at its end may go on */
  constructor(text: string, dialect: CsvDialect, isLast: boolean) {
    this.#text = isLast && text !== "" ? text + dialect.newline : text;
    this.#dialect = dialect;
    this.#isLast = isLast;
  }

  /** Where the next row begins. At the end it may be one more than the text has. */
  get at(): number {
    return this.#at;
  }

  /** Why `next` has stopped before a row that cannot be read. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Rows of the next part, which may be none if its lines are blank. Undefined if there is no whole row. */
  next(): CsvPart | undefined {
    for (let chars = partChars; this.#at < this.#text.length; chars = Math.min(2 * chars, maxRowChars + 1)) {
      const text = this.#text.slice(this.#at, this.#at + chars);
      // With what comes after a long row, only that row is parsed: the others may be many.
      const found = parse(text, this.#dialect, chars > partChars);
      if (found.used > 0) {
        this.#at += found.used;
        return found;
      }
      this.#failure = this.#failureOf(text, found) ?? (this.#isAllOf(text) ? "open quote" : undefined);
      if (this.#failure !== undefined || this.#at + chars >= this.#text.length) return undefined;
    }
    return undefined;
  }

  /** Why no more text can help, if the text has no whole row. */
  #failureOf(text: string, { strayQuotes }: Parsed): Failure | undefined {
    if (strayQuotes > maxStrayQuotes) return "open quote";
    if (text.length > maxDelimiters && hasMore(text, this.#dialect.delimiter, maxDelimiters)) return "too long";
    if (text.length <= maxRowChars) return undefined;
    const { newline } = this.#dialect;
    return parse(text + newline, this.#dialect).used === 0 ? "open quote" : "too long";
  }

  #isAllOf(text: string): boolean {
    return this.#isLast && this.#at + text.length === this.#text.length;
  }
}

interface Parsed extends CsvPart {
  /** Characters of the rows. */
  readonly used: number;
  /** Stray quotes in the row that is not whole. */
  readonly strayQuotes: number;
}

/** The whole rows of a text, or only the first one. */
function parse(text: string, dialect: CsvDialect, onlyFirst = false): Parsed {
  // In fast mode, papaparse passes two rows for a preview of one.
  const config = onlyFirst ? { ...dialect, preview: 1, fastMode: false } : { ...dialect };
  const { data, errors, meta }: Papa.ParseResult<string[]> = new Papa.Parser(config).parse(text, 0, true);
  const ends = isAmbiguous(text, data) ? endsOfRows(text, dialect) : undefined;
  const strayRows = new Set(errors.map(({ row }) => row));
  const rows: string[][] = [];
  const stray: number[] = [];
  for (const [index, cells] of data.entries()) {
    const raw = ends && text.slice(ends[index - 1] ?? 0, (ends[index] ?? 0) - dialect.newline.length);
    if (dialect.newline === "\n" && endsWithCarriageReturn(cells)) dropCarriageReturn(cells, dialect, raw);
    if (isBlank(cells) && (raw === undefined || raw.length < 2)) continue;
    if (strayRows.has(index)) stray.push(rows.length);
    rows.push(cells);
  }
  return { rows, stray, used: meta.cursor, strayQuotes: errors.filter(({ row }) => row === data.length).length };
}

/** Only the text tells a blank line from an empty cell in quotes, or CR before LF from CR at the end of a cell in quotes. */
function isAmbiguous(text: string, rows: readonly string[][]): boolean {
  if (text.includes('""') && rows.some(isBlank)) return true;
  return text.includes('\r"') && rows.some(endsWithCarriageReturn);
}

/** Where the rows end. papaparse says it in steps, which take twice the time. */
function endsOfRows(text: string, dialect: CsvDialect): number[] {
  const ends: number[] = [];
  const step = ({ meta }: Papa.ParseStepResult<unknown>) => ends.push(meta.cursor);
  new Papa.Parser({ ...dialect, step }).parse(text, 0, true);
  return ends;
}

function isBlank(cells: readonly string[]): boolean {
  return cells.length === 1 && (cells[0] === "" || cells[0] === "\r");
}

function endsWithCarriageReturn(cells: readonly string[]): boolean {
  return cells[cells.length - 1]?.endsWith("\r") === true;
}

/** Takes CR from the last cell, if it is not a character in quotes. @param raw the text of the row, if that must tell */
function dropCarriageReturn(cells: string[], { delimiter }: CsvDialect, raw: string | undefined): void {
  const last = cells[cells.length - 1] ?? "";
  const isInQuotes = raw !== undefined && (cells.length === 1 ? raw !== last : !raw.endsWith(delimiter + last));
  if (!isInQuotes) cells[cells.length - 1] = last.slice(0, -1);
}

function hasMore(text: string, what: string, most: number): boolean {
  let found = 0;
  for (let at = text.indexOf(what); at !== -1 && found <= most; at = text.indexOf(what, at + 1)) found += 1;
  return found > most;
}
