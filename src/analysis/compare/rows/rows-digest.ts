import type { PartialReason } from "../../../store/ports/description.js";
import type { Run } from "../../source.js";
import { cellText } from "../../tables/cell-text.js";
import type { Cell, Table } from "../../tables/table.js";
import { HashSum } from "../hash-sum.js";
import { Hasher } from "../hasher.js";
import type { CellKinds } from "./cell-kinds.js";
import { faultOf } from "./table-fault.js";

/** The rows of a table: how many, and hashes of all of them. */
export interface RowsDigest {
  readonly rows: number;
  readonly sum: HashSum;
  readonly partial?: PartialReason;
}

/**
 * Counts the rows of a table.
 *
 * @param columns indexes of the columns whose cells go into the digest, with their kinds. Without any, rows are only counted
 */
export async function rowsDigest(
  table: Table,
  columns: readonly number[],
  kinds: CellKinds,
  name: string,
  run: Run,
): Promise<RowsDigest> {
  const sum = new HashSum();
  if (columns.length === 0 && table.totalRows !== undefined) return { rows: table.totalRows, sum };
  const hasher = new Hasher();
  let rows = 0;
  for await (const batch of table.batches({ columns })) {
    rows += batch.rows.length;
    if (columns.length > 0) for (const row of batch.rows) sum.add(hashOf(row, columns, kinds, hasher));
    if (run.isOver()) break;
  }
  if (run.isOver()) {
    const what = columns.length === 0 ? "counted" : "compared";
    const message = `The time limit was reached after ${rows} rows of ${name} were ${what}.`;
    return { rows: table.totalRows ?? rows, sum, partial: { reason: "time", message } };
  }
  const partial = faultOf(table, name);
  return { rows, sum, ...(partial && { partial }) };
}

function hashOf(row: readonly Cell[], columns: readonly number[], kinds: CellKinds, hasher: Hasher): number {
  for (const [at, cell] of row.entries()) {
    hasher.addText(kinds.of(cell, columns[at] ?? 0)); // no kind is the beginning of another one
    hasher.addText(cellText(cell ?? null));
    hasher.addBorder();
  }
  return hasher.take();
}
