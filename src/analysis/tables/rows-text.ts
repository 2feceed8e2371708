import { cellText } from "./cell-text.js";
import type { Cell } from "./table.js";

/** What is left of each cell, at least, before columns are left out. */
const leastCellChars = 40;

/** Rows as CSV (RFC 4180, with LF), with a header line first, in at most so many characters. */
export class RowsText {
  /** Names of the columns that the text has. */
  names: readonly string[];
  /** Rows in the text. */
  rows = 0;
  /** Cells, and names, that were cut. */
  cut = 0;
  /** Names of the columns of the cells that were cut. */
  cutColumns: readonly string[] = [];
  readonly #chars: number;
  readonly #wholeNames: readonly string[];
  readonly #mayOmit: boolean;
  readonly #lines: string[] = [];
  #length = 0;

  /** @param mayOmit the last columns are left out if there is no room for all; otherwise only cells are cut */
  constructor(names: readonly string[], chars: number, mayOmit: boolean) {
    this.#chars = chars;
    this.#wholeNames = names;
    this.#mayOmit = mayOmit;
    this.names = mayOmit ? names.slice(0, Math.max(1, countThatFit(names, chars))) : names;
  }

  /** Adds a row, the first one in any case. Returns false if there is no room for it. */
  add(row: readonly Cell[]): boolean {
    const texts = row.map(cellText);
    if (this.rows === 0) {
      this.#addFirst(texts);
      return true;
    }
    const line = csvLine(texts.slice(0, this.names.length));
    if (this.#length + line.length > this.#chars) return false;
    this.#push(line);
    this.rows += 1;
    return true;
  }

  /** The text. Nothing can be added after it. */
  end(): string {
    if (this.rows === 0) this.#push(this.#header(this.#chars));
    return this.#lines.join("");
  }

  #addFirst(texts: readonly string[]): void {
    const whole = csvLine(this.names).length + csvLine(texts).length;
    if (whole > this.#chars && this.#mayOmit) this.#omit(texts);
    const line = csvLine(texts.slice(0, this.names.length));
    const header = this.#header(Math.max(this.#chars - line.length, Math.ceil(this.#chars / 2)));
    this.#push(header);
    this.#push(this.#fitted(texts.slice(0, this.names.length), this.#chars - header.length));
    this.rows = 1;
  }

  /** Leaves out the last columns that have no room although their cells are cut. */
  #omit(texts: readonly string[]): void {
    const pairs = this.names.map((name, index) => [name, shortened(texts[index] ?? "", leastCellChars)]);
    let [count, length] = [0, 2];
    for (const pair of pairs) {
      length += pair.reduce((sum, text) => sum + csvCell(text).length, 2);
      if (length > this.#chars) break;
      count += 1;
    }
    this.names = this.names.slice(0, Math.max(1, count));
  }

  #header(room: number): string {
    const line = csvLine(this.names);
    if (line.length <= room) return line;
    const level = levelThatFits(this.names, room);
    this.cut += this.names.filter((name) => name.length > level).length;
    this.names = this.names.map((name) => shortened(name, level));
    return csvLine(this.names);
  }

  /** The line, with its longest cells cut so that it fits. */
  #fitted(texts: readonly string[], room: number): string {
    const line = csvLine(texts);
    if (line.length <= room) return line;
    const level = levelThatFits(texts, room);
    this.cut += texts.filter((text) => text.length > level).length;
    this.cutColumns = this.#wholeNames.slice(0, texts.length).filter((_, index) => (texts[index] ?? "").length > level);
    return csvLine(texts.map((text) => shortened(text, level)));
  }

  #push(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
  }
}

/** How many of the first names make a header that fits. */
function countThatFit(names: readonly string[], chars: number): number {
  let length = 0;
  const beyond = names.findIndex((name) => {
    length += csvCell(name).length + 1;
    return length > chars;
  });
  return beyond === -1 ? names.length : beyond;
}

/** The most characters that all texts can be cut to, so that their line fits; 0 if there are too many texts. */
function levelThatFits(texts: readonly string[], room: number): number {
  let [fits, tooMany] = [0, room + 1];
  while (tooMany - fits > 1) {
    const level = Math.floor((fits + tooMany) / 2);
    if (csvLine(texts.map((text) => shortened(text, level))).length <= room) fits = level;
    else tooMany = level;
  }
  return fits;
}

/** The text, or its beginning with an ellipsis. */
function shortened(text: string, level: number): string {
  if (text.length <= level) return text;
  const beginning = text.slice(0, level);
  return `${/[\ud800-\udbff]$/.test(beginning) ? beginning.slice(0, -1) : beginning}…`;
}

function csvLine(texts: readonly string[]): string {
  if (texts.length === 0) return "";
  if (texts.length === 1 && texts[0] === "") return '""\n'; // a blank line is no row
  return `${texts.map(csvCell).join(",")}\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
