import type { ColumnType, PartialReason } from "../../store/ports/description.js";

/** A table in a content, whatever its format. */
export interface Table {
  /** As in `Description.format`. */
  readonly format: "csv" | "tsv" | "jsonl" | "json" | "parquet" | "arrow";
  readonly compression?: "gzip";
  /** Of CSV and TSV. */
  readonly delimiter?: string;
  readonly header?: boolean;
  /** Lines before the first row that were left out. */
  readonly skippedLines?: number;
  readonly columns: readonly Column[];
  /** Number of rows, if the format says it. */
  readonly totalRows?: number;
  /**
   * Reads rows in order, in batches, as they are stored.
   *
   * @throws ArtifactError `corrupt` and the like only from the source. Content that breaks off ends the batches, and
   * `broken` then says where
   */
  batches(wanted?: WantedRows): AsyncGenerator<Batch, void, undefined>;
  /** Where the content broke off, after `batches` has ended. */
  broken(): PartialReason | undefined;
  /** Whether `batches` has come to the end of the content. `broken` can still tell of cells that were left out. */
  hasAllRows?(): boolean;
  /** Columns that `batches` has found and that are not among `columns` (JSON and JSON Lines). */
  laterColumns?(): LaterColumns;
  /** The table with more columns, which no row that told the columns has. Absent if all rows told them. */
  withColumns?(names: readonly string[]): SearchedTable;
}

export interface LaterColumns {
  readonly names: ReadonlySet<string>;
  /** There were more names than are kept. */
  readonly hasMore: boolean;
}

export interface SearchedTable extends Table {
  /** Those of the added columns that no row has that `batches` has read. */
  unseenColumns(): readonly string[];
}

export interface Column {
  readonly name: string;
  /** The type, if the format says it. */
  readonly type?: ColumnType;
  /** Facts that the format gives without reading the values. */
  readonly empties?: number;
  readonly least?: number | string;
  readonly greatest?: number | string;
}

export interface WantedRows {
  /** The first row, from 1. */
  readonly from?: number;
  /** The last row. */
  readonly to?: number;
  /** Indexes of columns, in the order in which the cells are wanted. All columns by default. */
  readonly columns?: readonly number[];
  /** Another table is read at the same time: hold half as much in memory. */
  readonly isOneOfTwo?: boolean;
}

export interface Batch {
  /** The number of the first row. */
  readonly first: number;
  /** For each row a cell of each wanted column. */
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * A value. Cells of CSV and TSV are texts. `null` and the empty text are empty. Lists and objects hold only what JSON has,
 * and times.
 */
export type Cell = string | number | bigint | boolean | null | Date | object;
