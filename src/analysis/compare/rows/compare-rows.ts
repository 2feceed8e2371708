import type { Comparison, PartialReason } from "../../../store/ports/description.js";
import type { Run } from "../../source.js";
import type { Batch, Cell, Table } from "../../tables/table.js";
import { oneLine } from "../one-line.js";
import { shownChars } from "../shown-chars.js";
import { kindsOf } from "./cell-kinds.js";
import { type KindOf, RowChanges } from "./row-changes.js";
import { RowJoin } from "./row-join.js";
import { faultOf } from "./table-fault.js";
import type { Side, WaitingRows } from "./waiting-rows.js";

/** The column whose values name the rows, with its index in each table. */
export interface KeyColumn {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

export type ComparedRows = Required<Pick<NonNullable<Comparison["table"]>, "rows_before" | "rows_after" | "by">> & {
  /** Every row has a match, and these are not in the same order. */
  readonly hasOtherOrder: boolean;
  readonly partial?: PartialReason;
};

export interface CompareRowsOptions {
  /** How the tables are called. */
  readonly names: readonly [string, string];
  /** The most characters of the changes. */
  readonly chars: number;
  readonly run: Run;
  readonly waiting?: WaitingRows;
}

/**
 * Compares the rows of two tables by a key: both are read in step, and rows without a match are kept as hashes. Rows are
 * equal if the cells of all columns that both tables have are equal: as texts, and by their kinds if both have kinds.
 */
export async function compareRows(
  tables: readonly [Table, Table],
  key: KeyColumn,
  { names, chars, run, waiting }: CompareRowsOptions,
): Promise<ComparedRows> {
  const layout = layoutOf(tables, key);
  const kinds = kindsOf(tables);
  const kindOf: KindOf = (side, cell, at) => kinds[side].of(cell, layout.columns[side][at] ?? 0);
  const changes = new RowChanges(key.name, layout.all, kindOf, chars);
  const join = new RowJoin(layout.common, changes, kindOf, waiting);
  const limit = await joinTables(tables, layout.columns, join, run);
  const fault = faultOf(tables[0], names[0], true) ?? faultOf(tables[1], names[1], true);
  await showMissing(tables, layout.columns, changes, run);
  const partial = limit === undefined ? fault : incomplete(limit, join, key.name, names);
  const rows = ([0, 1] as const).map((side) => tables[side].totalRows ?? join.rows[side]) as [number, number];
  const counts = {
    changed: join.changed,
    added: Math.max(join.unmatched(1), leastSurplus(tables, join, 1)),
    removed: Math.max(join.unmatched(0), leastSurplus(tables, join, 0)),
  };
  const differing = counts.changed + counts.added + counts.removed;
  return {
    rows_before: rows[0],
    rows_after: rows[1],
    by: {
      column: key.name,
      ...(limit !== undefined && { at_least: true }),
      rows_added: counts.added,
      rows_removed: counts.removed,
      rows_changed: counts.changed,
      repeated_keys: join.repeated,
      ...(join.hasForgotten && { repeated_at_least: true }),
      empty_keys: join.empty,
      ...changes.text(counts, shownChars(chars, differing > Math.max(...rows) / 2)),
    },
    hasOtherOrder: limit === undefined && counts.added + counts.removed === 0 && join.moved > 0,
    ...(partial && { partial }),
  };
}

type Limit = "time" | "memory";

/** Returns the limit that has ended it. */
async function joinTables(
  tables: readonly [Table, Table],
  columns: Layout["columns"],
  join: RowJoin,
  run: Run,
): Promise<Limit | undefined> {
  const readers = [
    tables[0].batches({ columns: columns[0], isOneOfTwo: true }),
    tables[1].batches({ columns: columns[1], isOneOfTwo: true }),
  ] as const;
  try {
    for (let side = join.next; side !== undefined; side = join.next) {
      const { value: batch } = await readers[side].next();
      if (run.isOver()) return "time"; // a table ends early then
      const limit = batch === undefined ? join.endTable(side) : addBatch(join, side, batch, run);
      if (limit !== undefined) return limit;
    }
    return undefined;
  } finally {
    await readers[0].return();
    await readers[1].return();
  }
}

function addBatch(join: RowJoin, side: Side, batch: Batch, run: Run): Limit | undefined {
  join.begin(side, batch);
  for (let at = 0; at < batch.rows.length; at++) {
    if (at % 256 === 255 && run.isOver()) return "time";
    if (!join.add(side, batch.rows[at] as readonly Cell[], batch.first + at)) return "memory";
  }
  return undefined;
}

/** Reads rows again that are shown and are not at hand, as far as the time allows. */
async function showMissing(
  tables: readonly [Table, Table],
  columns: Layout["columns"],
  changes: RowChanges,
  run: Run,
): Promise<void> {
  for (const side of [0, 1] as const) {
    const missing = changes.missing(side);
    if (missing === undefined) continue;
    for await (const { first, rows } of tables[side].batches({ ...missing, columns: columns[side] })) {
      if (run.isOver()) return;
      rows.forEach((row, at) => {
        changes.show(side, first + at, row);
      });
    }
  }
}

/** How many more rows this table has at least than the other one, if all rows of that are known. */
function leastSurplus(tables: readonly [Table, Table], join: RowJoin, side: Side): number {
  const other = side === 0 ? 1 : 0;
  const others = tables[other].totalRows ?? (join.isEnded[other] ? join.rows[other] : Number.POSITIVE_INFINITY);
  return Math.max(0, (tables[side].totalRows ?? join.rows[side]) - others);
}

interface Layout {
  /** Indexes of the columns that are read of each: the key, then those that both have, then others that are shown. */
  readonly columns: readonly [readonly number[], readonly number[]];
  /** Number of the columns that both have, without the key. */
  readonly common: number;
  /** Names of all columns after the key. */
  readonly all: readonly string[];
}

function layoutOf([before, after]: readonly [Table, Table], key: KeyColumn): Layout {
  const indexes = new Map(after.columns.map(({ name }, index) => [name, index]));
  const common = before.columns.flatMap(({ name }, index) => {
    const other = indexes.get(name);
    return index === key.before || other === undefined || other === key.after ? [] : [{ name, index, other }];
  });
  const known = new Set([key.after, ...common.map(({ other }) => other)]);
  const others = after.columns.map(({ name }, index) => ({ name, index })).filter(({ index }) => !known.has(index));
  return {
    columns: [
      [key.before, ...common.map(({ index }) => index)],
      [key.after, ...common.map(({ other }) => other), ...others.map(({ index }) => index)],
    ],
    common: common.length,
    all: [...common, ...others].map(({ name }) => name),
  };
}

function incomplete(limit: Limit, join: RowJoin, key: string, names: readonly [string, string]): PartialReason {
  const read = `${join.rows[0]} rows of ${names[0]} and ${join.rows[1]} rows of ${names[1]}`;
  const why =
    limit === "time"
      ? `the time limit was reached after ${read}`
      : `after ${read}, ${join.waiting} of them wait for a row with the same ${oneLine(key)}, more than can be kept`;
  return { reason: limit, message: `The comparison is not complete: ${why}.` };
}
