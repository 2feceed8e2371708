import type { Comparison, PartialReason } from "../../store/ports/description.js";
import type { Run } from "../source.js";
import { cellText } from "../tables/cell-text.js";
import type { Cell, Table, WantedRows } from "../tables/table.js";
import { Hasher } from "./hasher.js";
import { KeyedRows } from "./keyed-rows.js";
import { RowChanges } from "./row-changes.js";

/** The column whose values name the rows, with its index in each table. */
export interface KeyColumn {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

type ComparedRows = Pick<NonNullable<Comparison["table"]>, "rows_before" | "rows_after" | "by"> & {
  readonly partial?: PartialReason;
};

/**
 * Compares the rows of two tables by a key: one pass over each, which keeps hashes, and another over the first table for
 * the values that are shown. Rows are equal if the cells of all columns that both tables have are equal as texts.
 */
export async function compareRows(
  tables: readonly [Table, Table],
  key: KeyColumn,
  { chars, run, rows = new KeyedRows() }: { readonly chars: number; readonly run: Run; readonly rows?: KeyedRows },
): Promise<ComparedRows> {
  const layout = layoutOf(tables, key);
  const changes = new RowChanges(key.name, layout.common, layout.all, chars);
  const counts = { before: 0, after: 0, changed: 0, added: 0, removed: 0, repeated: 0, empty: 0 };
  const hasher = new Hasher();

  /** Calls back for each row with its key. Returns whether the end was reached. */
  const eachRow = async (
    [table, wanted]: readonly [Table, WantedRows],
    act: (keyText: string, row: readonly Cell[], number: number) => void,
  ): Promise<boolean> => {
    for await (const batch of table.batches(wanted)) {
      for (const [at, row] of batch.rows.entries()) {
        if (at % 256 === 0 && run.isOver()) return false;
        act(cellText(row[0] ?? null), row, batch.first + at);
      }
    }
    return true;
  };
  const keyHash = (text: string): number => {
    hasher.addText(text);
    return hasher.take();
  };
  const contentHash = (row: readonly Cell[]): number => {
    for (let at = 1; at <= layout.common.length; at++) {
      hasher.addText(cellText(row[at] ?? null));
      hasher.addBorder();
    }
    return hasher.take();
  };
  const countKey = (text: string, isNew: boolean): void => {
    if (text === "") counts.empty++;
    else if (!isNew) counts.repeated++;
  };

  const readBefore = () =>
    eachRow([tables[0], { columns: layout.before }], (text, row, number) => {
      counts.before++;
      countKey(text, rows.add(keyHash(text), contentHash(row), number));
    });
  const readAfter = () =>
    eachRow([tables[1], { columns: layout.after }], (text, row) => {
      counts.after++;
      const hash = keyHash(text);
      if (!rows.isKept(hash)) return countKey(text, true);
      const other = rows.take(hash);
      if (typeof other === "object") {
        countKey(text, other.isFirst);
        if (other.content === contentHash(row)) return;
        counts.changed++;
        changes.addChanged(other.number, text, row);
      } else {
        countKey(text, other === undefined);
        counts.added++;
        changes.addAdded(text, row);
        rows.addTaken(hash);
      }
    });

  const isDone = (await readBefore()) && (await readAfter());
  if (isDone) {
    for (const number of rows.left()) {
      counts.removed++;
      changes.addRemoved(number);
    }
    const shown = changes.rowsBefore();
    if (shown !== undefined) {
      await eachRow([tables[0], { ...shown, columns: layout.before }], (text, row, number) =>
        changes.showBefore(number, text, row),
      );
    }
  }
  const total = counts.changed + counts.added + counts.removed;
  const partial = isDone ? (tables[0].broken() ?? tables[1].broken() ?? sampled(rows.every)) : timeOver(counts);
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
      ...changes.text(total),
    },
    ...(partial && { partial }),
  };
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
