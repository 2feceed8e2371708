import type { CompareAnalysis } from "../../../store/ports/analyses.js";
import type { Comparison, PartialReason } from "../../../store/ports/description.js";
import type { Run } from "../../source.js";
import type { Table } from "../../tables/table.js";
import type { ComparedText } from "../text/compare-text.js";
import { kindsOf } from "./cell-kinds.js";
import { compareRows } from "./compare-rows.js";
import { keyColumn, likelyKey } from "./key-column.js";
import { rowsDigest } from "./rows-digest.js";

export interface ComparedTables {
  readonly table: NonNullable<Comparison["table"]>;
  /** Both have the same columns and the same rows: in the same order, or in another one. */
  readonly sameRows?: "same order" | "other order";
  readonly partial?: PartialReason;
}

/**
 * The columns and the numbers of rows of two tables.
 *
 * @param text how they differ as texts. Unless most lines differ, their rows are not compared
 */
export async function compareTables(
  tables: readonly [Table, Table],
  names: readonly [string, string],
  run: Run,
  text: ComparedText | undefined,
): Promise<ComparedTables> {
  const changes = columnsOf(tables);
  const key = await likelyKey(tables);
  const mayBeSame = text === undefined || text.mostDiffer || text.same === "lines";
  const columns = mayBeSame && haveSameColumns(changes) && mayHaveSameRows(tables) ? sharedColumns(tables) : [[], []];
  const kinds = kindsOf(tables);
  const before = await rowsDigest(tables[0], columns[0] ?? [], kinds[0], names[0], run);
  const after = await rowsDigest(tables[1], columns[1] ?? [], kinds[1], names[1], run);
  const partial = before.partial ?? after.partial;
  const isSame =
    columns[0]?.length !== 0 && partial === undefined && before.rows === after.rows && before.sum.hasSame(after.sum);
  return {
    table: { ...changes, rows_before: before.rows, rows_after: after.rows, ...(key && { likely_key: key }) },
    ...(isSame && { sameRows: before.sum.hasSameOrder(after.sum) ? "same order" : "other order" }),
    ...(partial && { partial }),
  };
}

/**
 * The rows of two tables, matched by a column.
 *
 * @throws ArtifactError `invalid_argument` if one of them has no such column
 */
export async function compareKeyedTables(
  tables: readonly [Table, Table],
  { by, names, chars }: CompareAnalysis & { readonly by: string },
  run: Run,
): Promise<ComparedTables> {
  const key = keyColumn(tables, by, names);
  const changes = columnsOf(tables);
  const { partial, hasOtherOrder, ...rows } = await compareRows(tables, key, { names, chars, run });
  const { rows_added: added, rows_removed: removed, rows_changed: changed } = rows.by;
  const isSame = partial === undefined && haveSameColumns(changes) && added + removed + changed === 0;
  return {
    table: { ...changes, ...rows },
    ...(isSame && { sameRows: hasOtherOrder ? "other order" : "same order" }),
    ...(partial && { partial }),
  };
}

interface ColumnChanges {
  readonly columns_added: readonly string[];
  readonly columns_removed: readonly string[];
}

/** Names in an answer. */
const maxNames = 200;

/** Columns that only one of them has, by name. */
function columnsOf([before, after]: readonly [Table, Table]): ColumnChanges {
  const [left, right] = [namesOf(before), namesOf(after)];
  return {
    columns_added: [...right].filter((name) => !left.has(name)).slice(0, maxNames),
    columns_removed: [...left].filter((name) => !right.has(name)).slice(0, maxNames),
  };
}

function namesOf(table: Table): ReadonlySet<string> {
  return new Set(table.columns.map(({ name }) => name));
}

function haveSameColumns({ columns_added: added, columns_removed: removed }: ColumnChanges): boolean {
  return added.length + removed.length === 0;
}

function mayHaveSameRows([{ totalRows: before }, { totalRows: after }]: readonly [Table, Table]): boolean {
  return before === undefined || after === undefined || before === after;
}

/** Indexes of the columns of both, in the order of the first one. Tables have the same names. */
function sharedColumns([before, after]: readonly [Table, Table]): [number[], number[]] {
  const indexes = new Map(after.columns.map(({ name }, index) => [name, index]));
  return [[...before.columns.keys()], before.columns.map(({ name }) => indexes.get(name) ?? 0)];
}
