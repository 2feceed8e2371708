import type { Comparison, PartialReason } from "../../store/ports/description.js";
import type { Run } from "../source.js";
import { cellText } from "../tables/cell-text.js";
import type { Cell, Table, WantedRows } from "../tables/table.js";
import { Hasher } from "./hasher.js";
import { KeyedRows } from "./keyed-rows.js";
import { RowChanges } from "./row-changes.js";
import { faultOf } from "./table-fault.js";

/** The column whose values name the rows, with its index in each table. */
export interface KeyColumn {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

type ComparedRows = Pick<NonNullable<Comparison["table"]>, "rows_before" | "rows_after" | "by"> & {
  readonly partial?: PartialReason;
};

export interface CompareRowsOptions {
  /** How the tables are called. */
  readonly names: readonly [string, string];
  /** The most characters of the changes. */
  readonly chars: number;
  readonly run: Run;
  readonly rows?: KeyedRows;
}

/**
 * Compares the rows of two tables by a key: one pass over each, which keeps hashes, and another over the first table for
 * the values that are shown. Rows are equal if the cells of all columns that both tables have are equal as texts.
 */
export async function compareRows(
  tables: readonly [Table, Table],
  key: KeyColumn,
  { names, chars, run, rows = new KeyedRows() }: CompareRowsOptions,
): Promise<ComparedRows> {
  const [before, after] = tables;
  const layout = layoutOf(tables, key);
  const changes = new RowChanges(key.name, layout.common, layout.all, chars);
  const comparison = new RowComparison(layout.common.length, rows, changes);
  const isDone =
    (await eachRow(before, { columns: layout.before }, run, (row, number) => comparison.addBefore(row, number))) &&
    (await eachRow(after, { columns: layout.after }, run, (row) => comparison.addAfter(row)));
  const fault = faultOf(before, names[0]) ?? faultOf(after, names[1]);
  if (isDone) comparison.addLeft();
  const { counts } = comparison;
  const shown = changes.rowsBefore();
  if (isDone && shown !== undefined) {
    const wanted = { ...shown, columns: layout.before };
    await eachRow(before, wanted, run, (row, number) => changes.showBefore(number, row));
  }
  const partial = isDone ? (fault ?? sampled(rows.every)) : timeOver(counts);
  return {
    rows_before: counts.before,
    rows_after: counts.after,
    by: {
      column: key.name,
      rows_added: counts.added,
      rows_removed: counts.removed,
      rows_changed: counts.changed,
      repeated_keys: counts.repeated,
      empty_keys: counts.empty,
      ...changes.text(counts.added + counts.removed + counts.changed),
    },
    ...(partial && { partial }),
  };
}

/** Returns whether the end was reached before the time was over. */
async function eachRow(
  table: Table,
  wanted: WantedRows,
  run: Run,
  act: (row: readonly Cell[], number: number) => void,
): Promise<boolean> {
  for await (const { first, rows } of table.batches(wanted)) {
    for (let at = 0; at < rows.length; at++) {
      if (at % 256 === 0 && run.isOver()) return false;
      act(rows[at] as readonly Cell[], first + at);
    }
  }
  return !run.isOver(); // a table ends early then
}

/** Matches rows by their first cells, which are the keys. */
class RowComparison {
  readonly counts = { before: 0, after: 0, changed: 0, added: 0, removed: 0, repeated: 0, empty: 0 };
  readonly #common: number;
  readonly #rows: KeyedRows;
  readonly #changes: RowChanges;
  readonly #hasher = new Hasher();

  /** @param common number of cells after the key that are compared */
  constructor(common: number, rows: KeyedRows, changes: RowChanges) {
    this.#common = common;
    this.#rows = rows;
    this.#changes = changes;
  }

  addBefore(row: readonly Cell[], number: number): void {
    this.counts.before++;
    const key = cellText(row[0] ?? null);
    this.#countKey(key, this.#rows.add(this.#hashOf(key), this.#contentOf(row), number));
  }

  addAfter(row: readonly Cell[]): void {
    this.counts.after++;
    const key = cellText(row[0] ?? null);
    const hash = this.#hashOf(key);
    if (!this.#rows.isKept(hash)) {
      this.#countKey(key, true);
      return;
    }
    const other = this.#rows.take(hash);
    if (typeof other === "object") {
      this.#countKey(key, other.isFirst);
      if (other.content === this.#contentOf(row)) return;
      this.counts.changed++;
      this.#changes.addChanged(other.number, row);
    } else {
      this.#countKey(key, other === undefined);
      this.counts.added++;
      this.#changes.addAdded(row);
      this.#rows.addTaken(hash);
    }
  }

  /** Rows before without a row after are removed. */
  addLeft(): void {
    for (const number of this.#rows.left()) {
      this.counts.removed++;
      this.#changes.addRemoved(number);
    }
  }

  #countKey(key: string, isNew: boolean): void {
    if (key === "") this.counts.empty++;
    else if (!isNew) this.counts.repeated++;
  }

  #hashOf(key: string): number {
    this.#hasher.addText(key);
    return this.#hasher.take();
  }

  #contentOf(row: readonly Cell[]): number {
    for (let at = 1; at <= this.#common; at++) {
      this.#hasher.addText(cellText(row[at] ?? null));
      this.#hasher.addBorder();
    }
    return this.#hasher.take() >>> 0;
  }
}

interface Layout {
  /** Indexes of the columns that are read: the key, then those that both tables have, then others that are shown. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Names of the columns that both have, without the key. */
  readonly common: readonly string[];
  /** Names of all columns in `after`, without the key. */
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
  const names = common.map(({ name }) => name);
  return {
    before: [key.before, ...common.map(({ index }) => index)],
    after: [key.after, ...common.map(({ other }) => other), ...others.map(({ index }) => index)],
    common: names,
    all: [...names, ...others.map(({ name }) => name)],
  };
}

function sampled(every: number): PartialReason | undefined {
  if (every === 1) return undefined;
  const message = `There are too many keys to keep: the rows of about one key in ${every} were compared, and all rows counted.`;
  return { reason: "memory", message };
}

function timeOver({ before, after }: { readonly before: number; readonly after: number }): PartialReason {
  const message = `The time was over after ${before} rows of the one table and ${after} rows of the other. Removed rows were not counted.`;
  return { reason: "time", message };
}
