import type { AsyncBuffer, Compressors, DecodedArray, RowGroup } from "hyparquet";
import { quote } from "../../../store/model/quote.js";
import type { Run } from "../../source.js";
import { jsonCell } from "../json-cell.js";
import type { Batch, Cell } from "../table.js";
import { Unreadable } from "../unreadable.js";
import type { ParquetColumn } from "./columns.js";
import type { RawValue } from "./leaf-values.js";
import { readColumn } from "./read-column.js";

export interface Reading {
  readonly file: AsyncBuffer;
  readonly compressors: Compressors;
  readonly run: Run;
}

/** Memory of the values that are held at once, as far as the footer lets expect, and of one value. */
const windowBytes = 12 * 1024 * 1024;
const valueBytes = { flat: 8, text: 32, nested: 96 };
/** Texts that are shorter on average are numbers of a dictionary. */
const textBytes = 4;
/** The library puts all values together that a nested column has in a row group. */
const mostNestedValues = 1_000_000;
/** Whoever reads a table from its beginning often wants no more. */
const rowsAtFirst = 2048;
const mostRowsInBatch = 2048;
const mostCellsInBatch = 32 * 1024;

/**
 * Reads rows of row groups in windows, column by column, so that no more than one window is held. The library decodes a
 * page anew for each window that has rows of it: so windows are as large as memory allows.
 */
export class GroupRows {
  readonly #reading: Reading;
  readonly #columns: readonly ParquetColumn[];
  readonly #windowBytes: number;
  #isFirst = true;

  /** @param part of the usual memory that windows may have */
  constructor(reading: Reading, columns: readonly ParquetColumn[], part = 1) {
    this.#reading = reading;
    this.#columns = columns;
    this.#windowBytes = windowBytes * part;
  }

  /** Rows `[from, to)` of the group, from 0. */
  async *batches(group: RowGroup, from: number, to: number): AsyncGenerator<Batch, void, undefined> {
    if (from >= to) return;
    const most = rowsInWindow(group, this.#columns, this.#windowBytes);
    const step = Math.max(1, Math.min(mostRowsInBatch, Math.floor(mostCellsInBatch / this.#columns.length)));
    for (let start = from; start < to; ) {
      const end = Math.min(to, start + (this.#isFirst ? Math.min(most, rowsAtFirst) : most));
      this.#isFirst = false;
      const columns = await this.#window(group, start, end);
      for (let first = start; first < end; first += step) {
        yield { first, rows: rowsOf(columns, first - start, Math.min(step, end - first)) };
      }
      start = end;
    }
  }

  async #window(group: RowGroup, from: number, to: number): Promise<WindowColumn[]> {
    const columns: WindowColumn[] = [];
    for (const column of this.#columns) {
      if (this.#reading.run.isOver()) throw new Unreadable("The time limit was reached.", "time");
      columns.push({ column, values: await readColumn(this.#reading, column, group, { from, to }) });
    }
    return columns;
  }
}

interface WindowColumn {
  readonly column: ParquetColumn;
  readonly values: DecodedArray;
}

/** As many as a window may have. If the footer lies, the memory's limit stops the analysis. */
function rowsInWindow(group: RowGroup, columns: readonly ParquetColumn[], mostBytes: number): number {
  const rows = Math.max(1, Number(group.num_rows));
  const bytes = columns.reduce((sum, column) => sum + expectedBytes(column, group, rows), 0);
  return Math.max(1, Math.floor((mostBytes / Math.max(1, bytes)) * rows));
}

/** Memory that all values of a column in a row group need. @throws Unreadable if a nested column has too many */
function expectedBytes({ name, leaf, firstChunk, chunks }: ParquetColumn, group: RowGroup, rows: number): number {
  let bytes = 0;
  for (const { meta_data } of group.columns.slice(firstChunk, firstChunk + chunks)) {
    const values = Math.max(rows, Number(meta_data?.num_values ?? 0));
    if (leaf === undefined && values > mostNestedValues) {
      throw new Unreadable(
        `The column ${quote(name)} has ${values} values, more than can be put together at once.`,
        "size",
      );
    }
    bytes += values * (leaf ? valueBytes.flat : valueBytes.nested);
    if (!meta_data?.type.endsWith("BYTE_ARRAY")) continue;
    const stored = Math.max(0, Number(meta_data.total_uncompressed_size));
    bytes += 2 * stored + (stored > textBytes * values ? valueBytes.text * values : 0);
  }
  return bytes;
}

function rowsOf(columns: readonly WindowColumn[], from: number, count: number): Cell[][] {
  return Array.from({ length: count }, (_, index) =>
    columns.map(({ column, values }) => cellOf(column, values[from + index])),
  );
}

function cellOf({ name, leaf }: ParquetColumn, value: unknown): Cell {
  if (leaf === undefined) return jsonCell(value);
  if (value === null) return null;
  // The library leaves out what a page, or its dictionary, does not have.
  if (value === undefined) throw new Unreadable(`The column ${quote(name)} has fewer values than it says.`);
  return leaf.toCell(value as RawValue);
}
