import { count } from "../../../store/model/count.js";
import type { PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import type { Batch, Column, Table, WantedRows } from "../table.js";
import { type CsvDialect, dialectOf } from "./csv-dialect.js";
import { isHeader, namesOf } from "./csv-header.js";
import { type CsvPart, CsvParts } from "./csv-parts.js";
import { type Preamble, preambleOf } from "./csv-preamble.js";
import { brokenAt, endedByDamage, endedByTime, maxColumns, maxRowChars, RowTexts } from "./row-texts.js";

const sampledChars = 64 * 1024;
/** The first row, and the rows that tell whether it is a header. */
const sampledRows = 21;

/**
 * A table in CSV or TSV (RFC 4180). Cells that a row lacks are empty. Cells that a row has beyond the columns are left out.
 * `broken` tells of both after all rows; one empty cell too many, as a delimiter at the end of each row makes it, does not
 * count. It also tells of rows with quotes that are not doubled.
 *
 * `isHeader` decides whether the first row names the columns, and `preambleOf` which lines before it are left out.
 *
 * @throws the errors of the source
 */
export async function openCsvTable(source: Source, detected: Detected, run: Run): Promise<Table> {
  const format = detected.format === "tsv" ? "tsv" : "csv";
  const texts = new RowTexts(source, detected);
  try {
    while (texts.text.length < sampledChars && (await texts.more()));
    const preamble = preambleOf(texts.text.slice(0, sampledChars));
    texts.use(preamble.chars);
    const known = format === "tsv" ? "\t" : preamble.delimiter;
    const dialect = dialectOf(texts.text.slice(0, sampledChars), known);
    const [first = [], ...next] = await firstRows(texts, dialect, run);
    const header = isHeader(first, next);
    const names = header ? namesOf(first) : first.map((_, index) => `column_${index + 1}`);
    const isCut = names.length > maxColumns;
    const content = { source, detected, run, isCut };
    return new CsvTable({ format, dialect, preamble, header }, names.slice(0, maxColumns), content);
  } finally {
    await texts.close();
  }
}

/** The first row and some that follow, as far as they can be read. */
async function firstRows(texts: RowTexts, dialect: CsvDialect, run: Run): Promise<readonly (readonly string[])[]> {
  const rows: (readonly string[])[] = [];
  do {
    const parts = new CsvParts(texts.text, dialect, texts.isLast);
    for (let part = parts.next(); part !== undefined; part = parts.next()) {
      for (const cells of part.rows.slice(0, sampledRows - rows.length)) rows.push(cells.slice(0, maxColumns + 1));
      if (rows.length === sampledRows || run.isOver()) return rows;
    }
    if (parts.failure !== undefined || rows.length > 1) return rows;
    texts.use(Math.min(parts.at, texts.text.length));
  } while (!run.isOver() && (await texts.more()));
  return rows;
}

interface CsvFacts {
  readonly format: "csv" | "tsv";
  readonly dialect: CsvDialect;
  readonly preamble: Preamble;
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
  readonly skippedLines?: number;
  readonly columns: readonly Column[];
  readonly #dialect: CsvDialect;
  readonly #preamble: Preamble;
  readonly #content: CsvContent;
  #broken: PartialReason | undefined;
  #hasAllRows = false;

  constructor({ format, dialect, preamble, header }: CsvFacts, names: readonly string[], content: CsvContent) {
    this.format = format;
    if (content.detected.compression !== undefined) this.compression = content.detected.compression;
    this.#dialect = dialect;
    this.delimiter = dialect.delimiter;
    this.header = header;
    this.#preamble = preamble;
    if (preamble.lines > 0) this.skippedLines = preamble.lines;
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
    const texts = new RowTexts(source, detected, this.#dialect.newline);
    const maker = new BatchMaker(wanted, { columns: this.columns.length, isHeaderNext: this.header });
    this.#broken = undefined;
    this.#hasAllRows = false;
    try {
      while (texts.text.length < this.#preamble.chars && (await texts.more()));
      texts.use(this.#preamble.chars);
      do {
        const parts = new CsvParts(texts.text, this.#dialect, texts.isLast);
        yield* this.#batchesOf(parts, maker);
        if (maker.isDone) return;
        texts.use(Math.min(parts.at, texts.text.length));
        this.#broken = run.isOver() ? endedByTime(maker.row, texts) : brokenRow(maker.row, texts, parts);
        if (this.#broken !== undefined) return;
      } while (await texts.more());
      this.#hasAllRows = texts.damage === undefined;
      if (texts.damage !== undefined) this.#broken = endedByDamage(maker.row, texts.damage);
    } finally {
      this.#broken = withFaults(this.#broken, maker, this.#content.isCut);
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
}

interface FaultyRows {
  rows: number;
  /** The number of the first one. */
  first: number;
}

/** Why the rows end, together with what was wrong in those that were read. */
function withFaults(end: PartialReason | undefined, maker: BatchMaker, isCut: boolean): PartialReason | undefined {
  const faults = faultsOf(maker);
  const cut = isCut ? [`The table has more than ${maxColumns} columns. The others were left out.`] : [];
  const message = [...(end === undefined ? [] : [end.message]), ...faults, ...cut].join(" ");
  if (message === "") return undefined;
  return { reason: end?.reason ?? (faults.length > 0 ? "damaged" : "size"), message };
}

function faultsOf({ stray, surplus, short }: BatchMaker): string[] {
  const told: readonly (readonly [FaultyRows, string])[] = [
    [
      stray,
      "a quote in a quoted cell that is not doubled. The cell was read up to the next quote before a delimiter or a line end, and may hold what was meant as other rows.",
    ],
    [surplus, "more cells than there are columns. These cells were left out."],
    [short, "fewer cells than there are columns. The cells at the end are empty."],
  ];
  return told.filter(([{ rows }]) => rows > 0).map(([rows, what]) => `${nameOf(rows)} ${what}`);
}

function nameOf({ rows, first }: FaultyRows): string {
  return rows === 1 ? `Row ${first} has` : `${count(rows, "row")}, the first one row ${first}, have`;
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
  readonly short: FaultyRows = { rows: 0, first: 0 };
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
    } else if (cells.length < width) note(this.short, row);
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
