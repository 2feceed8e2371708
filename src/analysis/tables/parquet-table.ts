import type { RowGroup } from "hyparquet";
import { count } from "../../store/model/count.js";
import type { PartialReason } from "../../store/ports/description.js";
import { type Run, type Source, timeIsOver } from "../source.js";
import { columnsOf, type ParquetColumn } from "./parquet/columns.js";
import { loadDecompressors } from "./parquet/decompressors.js";
import { type Footer, readFooter } from "./parquet/footer.js";
import { GroupRows, type Reading } from "./parquet/group-rows.js";
import { ParquetFile } from "./parquet/parquet-file.js";
import { factsOf } from "./parquet/statistics.js";
import { FailingSource } from "./read-failure.js";
import type { Batch, Column, Table, WantedRows } from "./table.js";
import { brokenTable, Unreadable, unreadablePart } from "./unreadable.js";

const cannotRead = "The Parquet file cannot be read";
/** Statistics of more column chunks are not looked at. */
const mostChunksForFacts = 200_000;
const mostColumnsAtOnce = 10_000;

/**
 * Opens a Parquet file. A file that is damaged, or that cannot be read for another reason, is a table that is `broken`,
 * with the columns and rows that its footer still tells.
 */
export async function openParquetTable(source: Source, run: Run): Promise<Table> {
  const failing = new FailingSource(source);
  try {
    const footer = await readFooter(failing);
    const columns = columnsOf(footer.schema);
    const reading = { file: new ParquetFile(failing), compressors: await loadDecompressors(), run };
    return new ParquetTable(failing, reading, footer, columns);
  } catch (error) {
    return brokenTable("parquet", unreadablePart(cannotRead, failing.failureOr(error)));
  }
}

class ParquetTable implements Table {
  readonly format = "parquet";
  readonly columns: readonly Column[];
  readonly totalRows?: number;
  readonly #source: FailingSource;
  readonly #reading: Reading;
  readonly #groups: readonly RowGroup[];
  readonly #columns: readonly ParquetColumn[];
  #broken: PartialReason | undefined;

  constructor(source: FailingSource, reading: Reading, footer: Footer, columns: readonly ParquetColumn[]) {
    this.#source = source;
    this.#reading = reading;
    this.#groups = footer.groups;
    this.#columns = columns;
    if (footer.rows !== undefined) this.totalRows = footer.rows;
    if (footer.fault !== undefined) this.#broken = unreadablePart(cannotRead, footer.fault);
    this.columns = describeColumns(columns, footer);
  }

  async *batches(wantedRows: WantedRows = {}): AsyncGenerator<Batch, void, undefined> {
    const { from = 1, to = Number.POSITIVE_INFINITY, columns, isOneOfTwo = false } = wantedRows;
    const wanted = columns === undefined ? this.#columns : columns.map((index) => this.#column(index));
    const groupRows = new GroupRows(this.#reading, wanted, isOneOfTwo ? 1 / 2 : 1);
    let before = 0;
    let last = 0;
    for (const [index, group] of this.#groups.entries()) {
      if (before >= to || wanted.length === 0) return;
      const rows = Number(group.num_rows);
      try {
        if (wanted.length > mostColumnsAtOnce) throw tooManyColumns(wanted.length);
        const first = Math.max(0, from - 1 - before);
        for await (const batch of groupRows.batches(group, first, Math.min(rows, to - before))) {
          last = before + batch.first + batch.rows.length;
          yield { first: before + batch.first + 1, rows: batch.rows };
        }
      } catch (error) {
        this.#broken = this.#faultOf(this.#source.failureOr(error), { group: index + 1, last });
        return;
      }
      before += rows;
    }
  }

  broken(): PartialReason | undefined {
    return this.#broken;
  }

  /** @param last the number of the last row that was read */
  #faultOf(error: unknown, { group, last }: { readonly group: number; readonly last: number }): PartialReason {
    if (!(error instanceof Unreadable) || error.reason !== "time") {
      return unreadablePart(`Row group ${group} cannot be read`, error);
    }
    const rows = this.#groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
    return timeIsOver(`${last} of ${count(rows, "row")}`);
  }

  #column(index: number): ParquetColumn {
    const column = this.#columns[index];
    if (column === undefined) throw new RangeError(`there is no column ${index}`);
    return column;
  }
}

function describeColumns(columns: readonly ParquetColumn[], { groups, fault }: Footer): Column[] {
  const hasFacts = fault === undefined && groups.length * columns.length <= mostChunksForFacts;
  return columns.map((column) => {
    const { name, type } = column;
    return hasFacts ? { name, type, ...factsOf(column, groups) } : { name, type };
  });
}

function tooManyColumns(columns: number): Unreadable {
  return new Unreadable(`${columns} columns are more than the ${mostColumnsAtOnce} that can be read at once.`, "size");
}
