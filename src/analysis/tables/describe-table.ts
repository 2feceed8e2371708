import type { PartialReason, TableDescription } from "../../store/ports/description.js";
import type { Run } from "../source.js";
import { ColumnStatistics } from "./statistics/column-statistics.js";
import type { Interpretation } from "./statistics/value-summary.js";
import type { Batch, Table } from "./table.js";

/** Columns that are described. */
const describedColumns = 200;
/** Characters of different values that are kept for all columns, and for one column. */
const roomOfAll = 4 * 1024 * 1024;
const roomOfColumn = 64 * 1024;
const reportEveryMs = 1_000;

/**
 * What a table is, by all its rows or by those that could be read in time.
 *
 * What is known is reported first, and then every second, as members of a Description.
 *
 * @param brief to tell only what is known without reading rows
 */
export async function describeTable(
  table: Table,
  run: Pick<Run, "report">,
  brief = false,
): Promise<TableDescription & { readonly partial?: PartialReason }> {
  const facts = new TableFacts(table);
  const about = { format: table.format, ...(table.compression && { compression: table.compression }) };
  run.report({ ...about, table: facts.describe(false) });
  if (brief) return { ...facts.describe(false), ...whyUnread(table) };
  let reported = performance.now();
  for await (const batch of table.batches({ columns: facts.described })) {
    facts.add(batch);
    if (performance.now() - reported < reportEveryMs) continue;
    run.report({ ...about, table: facts.describe(false) });
    reported = performance.now();
  }
  const broken = table.broken();
  if (broken === undefined) return facts.describe(true);
  const isWhole = table.hasAllRows?.() === true;
  return { ...facts.describe(isWhole), ...(isWhole && { rows_exact: true }), partial: broken };
}

/** Why facts are missing before any row was read. */
function whyUnread(table: Table): { readonly partial?: PartialReason } {
  const broken = table.broken();
  if (broken !== undefined) return { partial: broken };
  return table.totalRows === undefined ? { partial: { reason: "size", message: "Its rows were not counted." } } : {};
}

/** What texts may stand for. */
const interpretations: Readonly<Record<Table["format"], Interpretation>> = {
  csv: "all",
  tsv: "all",
  jsonl: "times",
  json: "times",
  parquet: "times",
  arrow: "times",
};

/** What is known of a table. */
class TableFacts {
  /** Indexes of the columns that are described. */
  readonly described: readonly number[];
  /** Rows that were read. */
  rows = 0;
  readonly #table: Table;
  readonly #columns: readonly ColumnStatistics[];

  constructor(table: Table) {
    this.#table = table;
    const columns = table.columns.slice(0, describedColumns);
    const room = Math.min(roomOfColumn, Math.floor(roomOfAll / Math.max(1, columns.length)));
    this.described = columns.map((_, index) => index);
    this.#columns = columns.map((column) => new ColumnStatistics(column, interpretations[table.format], room));
  }

  add({ rows }: Batch): void {
    this.rows += rows.length;
    for (const [index, column] of this.#columns.entries()) {
      for (const row of rows) column.add(row[index] ?? null);
      column.settle();
    }
  }

  /** @param isWhole all rows were read */
  describe(isWhole: boolean): TableDescription {
    const { totalRows, columns, delimiter, header, skippedLines } = this.#table;
    const later = this.#table.laterColumns?.();
    return {
      rows: isWhole && columns.length > 0 ? this.rows : Math.max(this.rows, totalRows ?? 0),
      ...(!isWhole && totalRows !== undefined && { rows_exact: true }),
      columns: columns.length + (later?.names.size ?? 0),
      ...(later?.hasMore === true && { more_columns: true }),
      ...(delimiter !== undefined && { delimiter }),
      ...(header !== undefined && { header }),
      ...(skippedLines !== undefined && { skipped_lines: skippedLines }),
      column_details: this.#columns.map((column) => column.describe(isWhole)),
    };
  }
}
