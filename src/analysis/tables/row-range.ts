import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import type { RowsAnalysis } from "../../store/ports/analyses.js";
import type { PartialReason } from "../../store/ports/description.js";
import type { Table } from "./table.js";

/** Rows of a table, from 1. */
export interface RowRange {
  readonly from: number;
  /** The last one; a safe integer even if all are wanted. */
  readonly to: number;
  /** Number of rows in the table, if it is known. */
  readonly total?: number;
  /** Why rows were counted only up to there. */
  readonly partial?: PartialReason;
}

const lastRow = Number.MAX_SAFE_INTEGER - 1;

/**
 * The rows that are wanted. Numbers from the end need the number of rows: what the format says, or what passing over all
 * rows finds. A number from the end that is before the first row stands for the first row.
 *
 * @throws ArtifactError `invalid_argument` for a row 0, or a row beyond a number of rows that is known
 */
export async function rangeOf(table: Table, { row, rows }: RowsAnalysis): Promise<RowRange> {
  if (row === 0) throw invalid("row", "Rows are numbered from 1; -1 is the last row.");
  if (rows !== undefined && rows < 0 && row !== undefined) {
    throw invalid("rows", "A negative number of rows counts from the end, so it cannot begin at a row.");
  }
  const fromEnd = row === undefined && rows !== undefined && rows < 0 ? rows : row;
  if (fromEnd === undefined || fromEnd > 0) return range(table, fromEnd ?? 1, rows);
  const { rows: counted, broken } = await rowsOf(table);
  const from = Math.max(1, counted + fromEnd + 1);
  const to = rows === undefined || rows < 0 ? counted : Math.min(counted, from + rows - 1);
  return { from, to, ...(broken === undefined ? { total: counted } : { partial: broken }) };
}

function range({ totalRows }: Table, from: number, rows = lastRow): RowRange {
  if (totalRows !== undefined && from > totalRows && from > 1) {
    throw noSuchRow(from, { rows: totalRows });
  }
  const to = Math.min(lastRow, from + rows - 1);
  return { from, to, ...(totalRows !== undefined && { total: totalRows }) };
}

/** The number of rows; only of those that could be read if the table is broken. */
export interface CountedRows {
  readonly rows: number;
  readonly broken?: PartialReason | undefined;
}

/** Counts the rows without looking into them, if the format does not say how many there are. */
export async function rowsOf(table: Table): Promise<CountedRows> {
  if (table.totalRows !== undefined) return { rows: table.totalRows };
  let counted = 0;
  for await (const { rows } of table.batches({ columns: [] })) counted += rows.length;
  return { rows: counted, broken: table.hasAllRows?.() === true ? undefined : table.broken() };
}

/** The error for a row beyond the table. */
export function noSuchRow(row: number, { rows, broken }: CountedRows): ArtifactError {
  return invalid("row", `The table has ${broken ? "at least " : ""}${count(rows, "row")}, and no row ${row}.`);
}

function invalid(argument: string, message: string): ArtifactError {
  return new ArtifactError("invalid_argument", message, { details: { argument } });
}
