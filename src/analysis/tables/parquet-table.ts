import type { SchemaTree } from "hyparquet";
import type { PartialReason } from "../../store/ports/description.js";
import type { Run, Source } from "../source.js";
import { assembleColumn } from "./parquet/assemble-column.js";
import { columnsOf, type Leaf, type ParquetColumn } from "./parquet/columns.js";
import { type Footer, type RowGroup, readFooter } from "./parquet/footer.js";
import { FlatRows, type LeafRows, NestedRows } from "./parquet/leaf-rows.js";
import { Pages, type Reading } from "./parquet/pages.js";
import { factsOf } from "./parquet/statistics.js";
import { FailingSource } from "./read-failure.js";
import type { Batch, Cell, Column, Table, WantedRows } from "./table.js";
import { Unreadable, unreadablePart } from "./unreadable.js";

const cannotRead = "The Parquet file cannot be read";
const mostRowsInBatch = 2048;
const mostCellsInBatch = 32 * 1024;
/** Statistics of more column chunks are not read. */
const mostChunksForFacts = 200_000;
const mostLeavesAtOnce = 10_000;
/** With more columns, bytes read ahead would fill the memory. */
const mostWindows = 1000;

/**
 * Opens a Parquet file. A file that is damaged, or that cannot be read for another reason, is a table that is `broken`,
 * with the columns and rows that its footer still tells.
 */
export async function openParquetTable(source: Source, run: Run): Promise<Table> {
  const failing = new FailingSource(source);
  try {
    const footer = await readFooter(failing);
    return new ParquetTable(failing, run, footer, columnsOf(footer.schema));
  } catch (error) {
    const fault = unreadablePart(cannotRead, failing.failureOr(error));
    return { format: "parquet", columns: [], batches: noBatches, broken: () => fault };
  }
}

async function* noBatches(): AsyncGenerator<Batch, void, undefined> {
  // nothing can be read
}

class ParquetTable implements Table {
  readonly format = "parquet";
  readonly columns: readonly Column[];
  readonly totalRows?: number;
  readonly #source: FailingSource;
  readonly #run: Run;
  readonly #footer: Footer;
  readonly #columns: readonly ParquetColumn[];
  #broken: PartialReason | undefined;

  constructor(source: FailingSource, run: Run, footer: Footer, columns: readonly ParquetColumn[]) {
    this.#source = source;
    this.#run = run;
    this.#footer = footer;
    this.#columns = columns;
    if (footer.rows !== undefined) this.totalRows = footer.rows;
    if (footer.fault !== undefined) this.#broken = unreadablePart(cannotRead, footer.fault);
    this.columns = this.#describeColumns();
  }

  async *batches(wantedRows: WantedRows = {}): AsyncGenerator<Batch, void, undefined> {
    const { from = 1, to = Number.POSITIVE_INFINITY, columns } = wantedRows;
    const wanted = columns === undefined ? this.#columns : columns.map((index) => this.#column(index));
    let first = 1;
    for (const [index, group] of this.#footer.groups.entries()) {
      if (first > to || wanted.length === 0) return;
      const last = Math.min(to, first + group.rows - 1);
      try {
        if (last >= from) yield* this.#batchesOf(group, wanted, { first, from: Math.max(from, first), last });
      } catch (error) {
        this.#broken = unreadablePart(`Row group ${index + 1} cannot be read`, this.#source.failureOr(error));
        return;
      }
      first += group.rows;
    }
  }

  /** @param rows the first row of the group, and the rows that are wanted of it */
  async *#batchesOf(
    group: RowGroup,
    columns: readonly ParquetColumn[],
    { first, from, last }: { first: number; from: number; last: number },
  ): AsyncGenerator<Batch, void, undefined> {
    const rows = new GroupRows({ source: this.#source, run: this.#run }, group, columns);
    for await (const batch of rows.batches(from - first, last + 1 - first)) {
      yield { first: first + batch.first, rows: batch.rows };
    }
  }

  broken(): PartialReason | undefined {
    return this.#broken;
  }

  #column(index: number): ParquetColumn {
    const column = this.#columns[index];
    if (column === undefined) throw new RangeError(`there is no column ${index}`);
    return column;
  }

  #describeColumns(): Column[] {
    const { groups, fault } = this.#footer;
    const readFacts = fault === undefined && groups.length * this.#columns.length <= mostChunksForFacts;
    return this.#columns.map((column) => {
      const { name, type, firstLeaf } = column;
      if (!readFacts) return { name, type };
      try {
        const chunks = groups.map((group) => ({ ...group.chunk(firstLeaf), rows: group.rows }));
        return { name, type, ...factsOf(column, chunks) };
      } catch {
        return { name, type }; // what is damaged is said when its rows are read
      }
    });
  }
}

/** Rows of a row group. */
class GroupRows {
  readonly #columns: readonly OpenColumn[];
  readonly #leaves: number;

  constructor(reading: Omit<Reading, "keepWindows" | "heldBytes">, group: RowGroup, columns: readonly ParquetColumn[]) {
    this.#leaves = columns.reduce((sum, column) => sum + column.leafCount, 0);
    if (this.#leaves > mostLeavesAtOnce) {
      throw new Unreadable(
        `${this.#leaves} columns are more than the ${mostLeavesAtOnce} that can be read at once.`,
        "size",
      );
    }
    const shared = { ...reading, heldBytes: 0, keepWindows: this.#leaves <= mostWindows };
    this.#columns = columns.map((column) => {
      const leaves = column.leaves().map((leaf) => {
        const pages = new Pages(shared, group.chunk(leaf.index), leaf);
        return { leaf, rows: column.isFlat ? new FlatRows(pages, leaf) : new NestedRows(pages, leaf) };
      });
      return { column, tree: column.isFlat ? undefined : column.tree(), leaves };
    });
  }

  /** Rows `[from, to)` of the group, from 0. */
  async *batches(from: number, to: number): AsyncGenerator<Batch, void, undefined> {
    for (const { leaves } of this.#columns) for (const { rows } of leaves) await rows.skip(from);
    const step = Math.max(1, Math.min(mostRowsInBatch, Math.floor(mostCellsInBatch / this.#leaves)));
    for (let first = from; first < to; first += step) {
      yield { first, rows: await this.#rows(Math.min(step, to - first)) };
    }
  }

  async #rows(count: number): Promise<Cell[][]> {
    const rows: Cell[][] = Array.from({ length: count }, () => []);
    for (const { column, tree, leaves } of this.#columns) {
      const parts: { leaf: Leaf; rows: unknown[] }[] = [];
      for (const { leaf, rows } of leaves) parts.push({ leaf, rows: await rows.take(count) });
      const cells = tree === undefined ? (parts[0]?.rows as Cell[]) : assembleColumn(tree, parts);
      if (cells.length < count) throw new Unreadable(`The column ${column.name} has fewer rows than its row group.`);
      for (const [index, row] of rows.entries()) row.push(cells[index] as Cell);
    }
    return rows;
  }
}

interface OpenColumn {
  readonly column: ParquetColumn;
  /** Of a nested column. */
  readonly tree: SchemaTree | undefined;
  readonly leaves: readonly { readonly leaf: Leaf; readonly rows: LeafRows }[];
}
