import { ArtifactError } from "../../../store/model/errors.js";
import { quote } from "../../../store/model/quote.js";
import { cellText } from "../../tables/cell-text.js";
import type { Table } from "../../tables/table.js";
import { Hasher } from "../hasher.js";
import type { KeyColumn } from "./compare-rows.js";

/** Names in a message. */
const maxListed = 50;
/** Columns and rows that are looked at to find a key. */
const maxTried = 50;
const sampledRows = 1000;
/** Of the columns that are left, those whose values in more rows are looked at. */
const maxChecked = 3;
const checkedRows = 20_000;

/** @throws ArtifactError `invalid_argument` if one of the tables has no such column */
export function keyColumn(tables: readonly [Table, Table], by: string, names: readonly [string, string]): KeyColumn {
  const [before, after] = tables.map(({ columns }) => columns.findIndex(({ name }) => name === by)) as [number, number];
  if (before >= 0 && after >= 0) return { name: by, before, after };
  const lists = tables.map((table, at) => `${names[at]} has ${listOf(table)}`);
  const message = `Not both tables have a column ${quote(by)}: ${lists.join("; ")}.`;
  throw new ArtifactError("invalid_argument", message, { details: { argument: "by" } });
}

function listOf({ columns }: Table): string {
  const listed = columns.slice(0, maxListed).map(({ name }) => quote(name));
  const more = columns.length - listed.length;
  return `${listed.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * A column that may name the rows of both tables: the values in the first rows of each are not empty and all different.
 * Those with the most values that both have come first; of these, more rows are looked at.
 */
export async function likelyKey(tables: readonly [Table, Table]): Promise<string | undefined> {
  const [before, after] = tables;
  const others = new Set(after.columns.map(({ name }) => name));
  const names = before.columns.map(({ name }) => name).filter((name) => others.has(name));
  const tried = names.slice(0, maxTried);
  const [left, right] = [await firstValues(before, tried), await firstValues(after, tried)];
  const candidates = tried
    .map((name, at) => ({ name, shared: sharedValues(left[at], right[at]) }))
    .filter(({ shared }) => shared > 0)
    .toSorted((one, other) => other.shared - one.shared);
  for (const { name } of candidates.slice(0, maxChecked)) {
    if ((await namesRows(before, name)) && (await namesRows(after, name))) return name;
  }
  return undefined;
}

function sharedValues(some: ReadonlySet<string> = new Set(), others: ReadonlySet<string> = new Set()): number {
  let shared = 0;
  for (const value of some) if (others.has(value)) shared++;
  return shared;
}

/** Whether a column has no value twice, and none that is empty, as far as it is read. */
async function namesRows(table: Table, name: string): Promise<boolean> {
  const column = table.columns.findIndex((one) => one.name === name);
  const hasher = new Hasher();
  const known = new Set<number>();
  for await (const { rows } of table.batches({ columns: [column], to: checkedRows })) {
    for (const row of rows) {
      const value = cellText(row[0] ?? null);
      hasher.addText(value);
      const hash = hasher.take();
      if (value === "" || known.has(hash)) return false;
      known.add(hash);
    }
  }
  return true;
}

/** For each column its values in the first rows; undefined if one is empty or is there twice. */
async function firstValues(table: Table, names: readonly string[]): Promise<(ReadonlySet<string> | undefined)[]> {
  const columns = names.map((name) => table.columns.findIndex((column) => column.name === name));
  const values: (Set<string> | undefined)[] = names.map(() => new Set());
  if (names.length === 0) return values;
  for await (const { rows } of table.batches({ columns, to: sampledRows })) {
    for (const row of rows) {
      for (const [at, known] of values.entries()) {
        const value = cellText(row[at] ?? null);
        if (value === "" || known?.has(value)) values[at] = undefined;
        else known?.add(value);
      }
    }
  }
  return values;
}
