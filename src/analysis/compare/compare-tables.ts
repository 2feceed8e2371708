import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import type { CompareAnalysis } from "../../store/ports/analyses.js";
import type { Comparison, PartialReason } from "../../store/ports/description.js";
import type { Run } from "../source.js";
import type { Table } from "../tables/table.js";
import { compareRows, type KeyColumn } from "./compare-rows.js";
import { faultOf } from "./table-fault.js";

export type ComparedTables = NonNullable<Comparison["table"]> & { readonly partial?: PartialReason };

/** The columns and the numbers of rows of two tables. */
export async function compareTables(
  tables: readonly [Table, Table],
  names: readonly [string, string],
  run: Run,
): Promise<ComparedTables> {
  const before = await countRows(tables[0], names[0], run);
  const after = await countRows(tables[1], names[1], run);
  const partial = before.partial ?? after.partial;
  return { ...columnsOf(tables), rows_before: before.rows, rows_after: after.rows, ...(partial && { partial }) };
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
  return { ...columnsOf(tables), ...(await compareRows(tables, key, { names, chars, run })) };
}

/** Columns that only one of them has, by name. */
function columnsOf([before, after]: readonly [Table, Table]) {
  const [left, right] = [namesOf(before), namesOf(after)];
  return {
    columns_added: [...right].filter((name) => !left.has(name)).slice(0, maxNames),
    columns_removed: [...left].filter((name) => !right.has(name)).slice(0, maxNames),
  };
}

function namesOf(table: Table): ReadonlySet<string> {
  return new Set(table.columns.map(({ name }) => name));
}

interface Counted {
  readonly rows: number;
  readonly partial?: PartialReason;
}

async function countRows(table: Table, name: string, run: Run): Promise<Counted> {
  if (table.totalRows !== undefined) return { rows: table.totalRows };
  let rows = 0;
  for await (const batch of table.batches({ columns: [] })) {
    rows += batch.rows.length;
    if (run.isOver()) break;
  }
  if (run.isOver()) {
    return {
      rows,
      partial: { reason: "time", message: `The time was over after ${rows} rows of ${name} were counted.` },
    };
  }
  const partial = faultOf(table, name);
  return { rows, ...(partial && { partial }) };
}

function keyColumn(tables: readonly [Table, Table], by: string, names: readonly [string, string]): KeyColumn {
  const [before, after] = tables.map(({ columns }) => columns.findIndex(({ name }) => name === by)) as [number, number];
  if (before >= 0 && after >= 0) return { name: by, before, after };
  const lists = tables.map((table, at) => `${names[at]} has ${listOf(table)}`);
  const message = `Not both tables have a column ${quote(by)}: ${lists.join("; ")}.`;
  throw new ArtifactError("invalid_argument", message, { details: { argument: "by" } });
}

/** Names in a message. */
const maxListed = 50;
/** Names in an answer. */
const maxNames = 200;

function listOf({ columns }: Table): string {
  const listed = columns.slice(0, maxListed).map(({ name }) => quote(name));
  const more = columns.length - listed.length;
  return `${listed.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
