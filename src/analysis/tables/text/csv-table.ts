import type { PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import { numberForm, timeOf } from "../statistics/text-value.js";
import type { Batch, Column, Table, WantedRows } from "../table.js";
import { CsvRows } from "./csv-rows.js";
import { brokenAt, endedByTime, maxColumns, maxRowChars, RowTexts } from "./row-texts.js";
import { sniffDelimiter } from "./sniff-delimiter.js";

/** Cells of a batch, about: few, so that they are garbage before they grow old. */
const batchCells = 8 * 1024;
const sniffedChars = 64 * 1024;

/**
 * A table in CSV or TSV (RFC 4180). Cells that a row lacks are empty. Cells that a row has beyond the columns are left out,
 * which `broken` says after all rows; one empty cell, as a delimiter at the end of each row makes it, does not count.
 *
 * @throws the errors of the source
 */
export async function openCsvTable(source: Source, detected: Detected, run: Run): Promise<Table> {
  const texts = new RowTexts(source, detected);
  try {
    const delimiter = detected.format === "tsv" ? "\t" : await sniff(texts);
    const first = await firstRow(texts, delimiter, run);
    const header = isHeader(first);
    const names = first.map((name, index) => (header ? name : `column_${index + 1}`));
    const about: CsvFacts = { format: detected.format === "tsv" ? "tsv" : "csv", delimiter, header };
    return new CsvTable(about, names.slice(0, maxColumns), { source, detected, run, isCut: names.length > maxColumns });
  } finally {
    await texts.close();
  }
}

async function sniff(texts: RowTexts): Promise<string> {
  while (texts.text.length < sniffedChars && (await texts.more()));
  const sample = texts.text.slice(0, sniffedChars);
  const isWhole = texts.isLast && sample.length === texts.text.length;
  // A first row that is longer than the sample is cut, and tells the delimiter all the same.
  return sniffDelimiter(sample, isWhole || !new CsvRows(sample, ",", false).next(0));
}

/** Empty if there is no row, or if it is too long. */
async function firstRow(texts: RowTexts, delimiter: string, run: Run): Promise<readonly string[]> {
  while (!run.isOver()) {
    const rows = new CsvRows(texts.text, delimiter, texts.isLast);
    if (rows.next(maxColumns + 1)) return rows.cells;
    if (texts.text.length - rows.at > maxRowChars || !(await texts.more())) break;
  }
  return [];
}

/** Names are not empty, differ, and are no numbers or times. */
function isHeader(cells: readonly string[]): boolean {
  const isName = (cell: string) => cell !== "" && numberForm(cell) === undefined && Number.isNaN(timeOf(cell));
  return cells.every(isName) && new Set(cells).size === cells.length;
}

interface CsvFacts {
  readonly format: "csv" | "tsv";
  readonly delimiter: string;
  readonly header: boolean;
}

interface CsvContent {
  readonly source: Source;
  readonly detected: Detected;
  readonly run: Run;
  /** There are more columns than are read. */
  readonly isCut: boolean;
}

class CsvTable implements Table {
  readonly format: "csv" | "tsv";
  readonly compression?: "gzip";
  readonly delimiter: string;
  readonly header: boolean;
  readonly columns: readonly Column[];
  readonly #content: CsvContent;
  #broken: PartialReason | undefined;
  #hasAllRows = false;

  constructor({ format, delimiter, header }: CsvFacts, names: readonly string[], content: CsvContent) {
    this.format = format;
    if (content.detected.compression !== undefined) this.compression = content.detected.compression;
    this.delimiter = delimiter;
    this.header = header;
    this.columns = names.map((name) => ({ name }));
    this.#content = content;
  }

  broken(): PartialReason | undefined {
    return this.#broken;
  }

  hasAllRows(): boolean {
    return this.#hasAllRows;
  }

  async *batches(wanted: WantedRows = {}): AsyncGenerator<Batch, void, undefined> {
    const { source, detected, run } = this.#content;
    const texts = new RowTexts(source, detected);
    const maker = new BatchMaker(wanted, { columns: this.columns.length, isHeaderNext: this.header });
    this.#broken = undefined;
    this.#hasAllRows = false;
    try {
      do {
        const rows = new CsvRows(texts.text, this.delimiter, texts.isLast);
        for (let batch = maker.next(rows); batch !== undefined; batch = maker.next(rows)) {
          yield batch;
          if (run.isOver()) break;
        }
        if (maker.isDone) return;
        texts.use(Math.min(rows.at, texts.text.length));
        this.#broken = run.isOver() ? endedByTime(maker.row, texts) : brokenRow(maker.row, texts, rows);
        if (this.#broken !== undefined) return;
      } while (await texts.more());
      this.#end(texts, maker);
    } finally {
      await texts.close();
    }
  }

  /** All that there is was read. */
  #end(texts: RowTexts, { row, surplus }: BatchMaker): void {
    this.#hasAllRows = texts.damage === undefined;
    if (texts.damage !== undefined) {
      this.#broken = { reason: "damaged", message: `The table breaks off after ${row} rows. ${texts.damage}` };
    } else if (surplus.rows > 0) {
      const message = `${surplus.rows} rows, the first one row ${surplus.first}, have more cells than there are columns. These cells were left out.`;
      this.#broken = { reason: "damaged", message };
    } else if (this.#content.isCut) {
      const message = `The table has more than ${maxColumns} columns. The others were left out.`;
      this.#broken = { reason: "size", message };
    }
  }
}

/** Whether the next row is too long, or has a quote that is open at the end of the content. */
function brokenRow(row: number, texts: RowTexts, rows: CsvRows): PartialReason | undefined {
  const isTooLong = rows.isTooLong || texts.text.length > maxRowChars;
  if (!isTooLong && !(texts.isLast && rows.hasOpenQuote)) return undefined;
  const isOpen = rows.hasOpenQuote && !rows.isTooLong;
  const why = isOpen ? "has a quote that is not closed" : "is too long";
  const within = isTooLong ? ` within ${maxRowChars} characters` : "";
  return { reason: isOpen ? "damaged" : "size", message: brokenAt(row, texts, `${why}${within}`) };
}

/** Makes batches of the rows that are wanted. */
class BatchMaker {
  readonly surplus = { rows: 0, first: 0 };
  /** The number of the last row that was passed. */
  row = 0;
  readonly #from: number;
  readonly #to: number;
  readonly #picked: readonly number[] | undefined;
  readonly #width: number;
  readonly #limit: number;
  #isHeaderNext: boolean;

  constructor({ from = 1, to = Number.POSITIVE_INFINITY, columns }: WantedRows, table: TableShape) {
    this.#from = from;
    this.#to = to;
    this.#isHeaderNext = table.isHeaderNext;
    this.#width =
      columns === undefined ? table.columns : columns.reduce((most, column) => Math.max(most, column + 1), 0);
    // Two cells more tell whether the row has too many.
    this.#limit = this.#width === table.columns ? this.#width + 2 : this.#width;
    this.#picked = columns?.every((column, index) => column === index) ? undefined : columns;
  }

  /** The last wanted row was passed. */
  get isDone(): boolean {
    return this.row >= this.#to;
  }

  /** A batch from the next rows; undefined if they have none. */
  next(rows: CsvRows): Batch | undefined {
    if (this.#isHeaderNext) {
      if (!rows.next(0)) return undefined;
      this.#isHeaderNext = false;
    }
    while (this.row + 1 < this.#from) {
      if (!rows.next(0)) return undefined;
      this.row += 1;
    }
    const first = this.row + 1;
    const found: (readonly string[])[] = [];
    for (let cells = 0; cells < batchCells && this.row < this.#to && rows.next(this.#limit); ) {
      this.row += 1;
      found.push(this.#limit === 0 ? noCells : this.#fitted(rows.cells));
      cells += 1 + this.#width;
    }
    return found.length === 0 ? undefined : { first, rows: found };
  }

  #fitted(cells: string[]): readonly string[] {
    const width = this.#width;
    if (cells.length > width) {
      if (cells.length > width + 1 || cells[width] !== "") this.#countSurplus();
      cells.length = width;
    }
    while (cells.length < width) cells.push("");
    return this.#picked === undefined ? cells : this.#picked.map((column) => cells[column] ?? "");
  }

  #countSurplus(): void {
    this.surplus.rows += 1;
    if (this.surplus.rows === 1) this.surplus.first = this.row;
  }
}

interface TableShape {
  readonly columns: number;
  /** The first row of the text names the columns. */
  readonly isHeaderNext: boolean;
}

const noCells: readonly string[] = [];
