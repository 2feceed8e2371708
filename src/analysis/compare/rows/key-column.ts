import { ArtifactError } from "../../../store/model/errors.js";
import { quote } from "../../../store/model/quote.js";
import { cellText } from "../../tables/cell-text.js";
import type { Table } from "../../tables/table.js";
import type { KeyColumn } from "./compare-rows.js";

/** Names in a message. */
const maxListed = 50;
/** Columns and rows that are looked at to find a key. */
const maxTried = 50;
const sampledRows = 1000;

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
 * A column that may name the rows of both tables: the values in the first rows of each are not empty and all different,
 * and of such columns it is the first one of those with the most values that both have.
 */
export async function likelyKey([before, after]: readonly [Table, Table]): Promise<string | undefined> {
  const names = before.columns
    .map(({ name }) => name)
    .filter((name) => after.columns.some((other) => other.name === name));
  const tried = names.slice(0, maxTried);
  const [left, right] = [await firstValues(before, tried), await firstValues(after, tried)];
  let best: { readonly name: string; readonly shared: number } | undefined;
  for (const [at, name] of tried.entries()) {
    const [some, others] = [left[at], right[at]];
    if (some === undefined || others === undefined) continue;
    let shared = 0;
    for (const value of some) if (others.has(value)) shared++;
    if (shared > (best?.shared ?? 0)) best = { name, shared };
  }
  return best?.name;
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
