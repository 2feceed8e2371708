import type { PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import { numberForm, timeOf } from "../statistics/text-value.js";
import type { Batch, Column, Table, WantedRows } from "../table.js";
import { type CsvDialect, dialectOf } from "./csv-dialect.js";
import { type CsvPart, CsvParts } from "./csv-parts.js";
import { brokenAt, endedByTime, maxColumns, maxRowChars, RowTexts } from "./row-texts.js";

const sampledChars = 64 * 1024;

/**
 * A table in CSV or TSV (RFC 4180). Cells that a row lacks are empty. Cells that a row has beyond the columns are left out,
 * which `broken` says after all rows; one empty cell, as a delimiter at the end of each row makes it, does not count.
 * `broken` also tells of rows with quotes that are not doubled.
 *
 * @throws the errors of the source
 */
export async function openCsvTable(source: Source, detected: Detected, run: Run): Promise<Table> {
  const format = detected.format === "tsv" ? "tsv" : "csv";
  const texts = new RowTexts(source, detected);
  try {
    while (texts.text.length < sampledChars && (await texts.more()));
    const dialect = dialectOf(texts.text.slice(0, sampledChars), format === "tsv" ? "\t" : undefined);
    const first = await firstRow(texts, dialect, run);
    const header = isHeader(first);
    const names = first.map((name, index) => (header ? name : `column_${index + 1}`));
    const isCut = names.length > maxColumns;
    return new CsvTable({ format, dialect, header }, names.slice(0, maxColumns), { source, detected, run, isCut });
  } finally {
    await texts.close();
  }
}

/** Empty if there is no row, or if it cannot be read. */
async function firstRow(texts: RowTexts, dialect: CsvDialect, run: Run): Promise<readonly string[]> {
  do {
    const parts = new CsvParts(texts.text, dialect, texts.isLast);
    for (let part = parts.next(); part !== undefined; part = parts.next()) {
      const row = part.rows[0];
      if (row !== undefined) return row.slice(0, maxColumns + 1);
      if (run.isOver()) return [];
    }
    if (parts.failure !== undefined) return [];
    texts.use(Math.min(parts.at, texts.text.length));
  } while (!run.isOver() && (await texts.more()));
  return [];
}

/** Names are not empty, differ, and are no numbers or times. */
function isHeader(cells: readonly string[]): boolean {
  const isName = (cell: string) => cell !== "" && numberForm(cell) === undefined && Number.isNaN(timeOf(cell));
  return cells.every(isName) && new Set(cells).size === cells.length;
}

interface CsvFacts {
  readonly format: "csv" | "tsv";
  readonly dialect: CsvDialect;
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
  readonly #dialect: CsvDialect;
  readonly #content: CsvContent;
  #broken: PartialReason | undefined;
  #hasAllRows = false;

  constructor({ format, dialect, header }: CsvFacts, names: readonly string[], content: CsvContent) {
    this.format = format;
    if (content.detected.compression !== undefined) this.compression = content.detected.compression;
    this.#dialect = dialect;
    this.delimiter = dialect.delimiter;
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
        const parts = new CsvParts(texts.text, this.#dialect, texts.isLast);
        yield* this.#batchesOf(parts, maker);
        if (maker.isDone) return;
        texts.use(Math.min(parts.at, texts.text.length));
        this.#broken = run.isOver() ? endedByTime(maker.row, texts) : brokenRow(maker.row, texts, parts);
        if (this.#broken !== undefined) return;
      } while (await texts.more());
      this.#end(texts, maker);
    } finally {
      await texts.close();
    }
  }

  *#batchesOf(parts: CsvParts, maker: BatchMaker): Generator<Batch, void, undefined> {
    for (let part = parts.next(); part !== undefined; part = parts.next()) {
      const batch = maker.batchOf(part);
      if (batch.rows.length > 0) yield batch;
      if (maker.isDone || this.#content.run.isOver()) return;
    }
  }

  /** All that there is was read. */
  #end(texts: RowTexts, { row, surplus, stray }: BatchMaker): void {
    this.#hasAllRows = texts.damage === undefined;
    if (texts.damage !== undefined) {
      this.#broken = { reason: "damaged", message: `The table breaks off after ${row} rows. ${texts.damage}` };
    } else if (stray.rows > 0) {
      const message = `${countOf(stray)} a quote in a quoted cell that is not doubled. The cell was read up to the next quote before a delimiter or a line end, and may hold what was meant as other rows.`;
      this.#broken = { reason: "damaged", message };
    } else if (surplus.rows > 0) {
      const message = `${countOf(surplus)} more cells than there are columns. These cells were left out.`;
      this.#broken = { reason: "damaged", message };
    } else if (this.#content.isCut) {
      const message = `The table has more than ${maxColumns} columns. The others were left out.`;
      this.#broken = { reason: "size", message };
    }
  }
}

interface FaultyRows {
  rows: number;
  /** The number of the first one. */
  first: number;
}

function countOf({ rows, first }: FaultyRows): string {
  return `${rows} rows, the first one row ${first}, have`;
}

/** Whether the next row is too long, or has a quote that is not closed. */
function brokenRow(row: number, texts: RowTexts, { failure }: CsvParts): PartialReason | undefined {
  if (failure === undefined) return undefined;
  const isOpen = failure === "open quote";
  const why = isOpen ? "has a quote that is not closed" : `is too long within ${maxRowChars} characters`;
  return { reason: isOpen ? "damaged" : "size", message: brokenAt(row, texts, why) };
}

/** Makes batches of the rows that are wanted. */
class BatchMaker {
  readonly surplus: FaultyRows = { rows: 0, first: 0 };
  /** Rows with a quote that is not doubled, also among those that are passed. */
  readonly stray: FaultyRows = { rows: 0, first: 0 };
  /** The number of the last row that was passed. */
  row = 0;
  readonly #from: number;
  readonly #to: number;
  readonly #picked: readonly number[] | undefined;
  readonly #columns: number;
  #isHeaderNext: boolean;

  constructor({ from = 1, to = Number.POSITIVE_INFINITY, columns }: WantedRows, table: TableShape) {
    this.#from = from;
    this.#to = to;
    this.#isHeaderNext = table.isHeaderNext;
    this.#columns = table.columns;
    const isAll = columns?.length === table.columns && columns.every((column, index) => column === index);
    this.#picked = isAll ? undefined : columns;
  }

  /** The last wanted row was passed. */
  get isDone(): boolean {
    return this.row >= this.#to;
  }

  /** What is wanted of the next rows; it may be none. */
  batchOf({ rows, stray }: CsvPart): Batch {
    const isHeader = this.#isHeaderNext && rows.length > 0;
    if (isHeader) this.#isHeaderNext = false;
    const before = this.row - (isHeader ? 1 : 0); // the number of rows[0] is one more
    const count = Math.min(rows.length, this.#to - before);
    const start = Math.min(Math.max(isHeader ? 1 : 0, this.#from - 1 - before), count);
    for (const index of stray) if (index < count) note(this.stray, before + 1 + index);
    this.row = before + count;
    const first = before + 1 + start;
    return { first, rows: rows.slice(start, count).map((cells, index) => this.#fitted(cells, first + index)) };
  }

  #fitted(cells: string[], row: number): readonly string[] {
    const width = this.#columns;
    if (cells.length > width) {
      if (cells.length > width + 1 || cells[width] !== "") note(this.surplus, row);
      cells.length = width;
    }
    if (this.#picked !== undefined) return this.#picked.map((column) => cells[column] ?? "");
    while (cells.length < width) cells.push("");
    return cells;
  }
}

function note(faulty: FaultyRows, row: number): void {
  if (faulty.rows === 0) faulty.first = row;
  faulty.rows += 1;
}

interface TableShape {
  readonly columns: number;
  /** The first row of the text names the columns. */
  readonly isHeaderNext: boolean;
}
