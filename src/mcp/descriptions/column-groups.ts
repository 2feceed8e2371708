import { plainOrQuoted } from "../../api/descriptions/brief-text.js";
import type { ColumnDescription } from "../../store/ports/description.js";
import { upTo } from "../calls/up-to.js";

/** Characters of the line that names columns with empty cells. */
const maxEmptiesChars = 1_500;
/** Names on a line. */
const maxOnLine = 10;

/** Neighbours of one type whose names differ only in a number that counts up. */
type ColumnRun = readonly [ColumnDescription, ...ColumnDescription[]];

/**
 * Lines of columns that have no room for a line each: first which of them have empty cells, then the names, with columns
 * of one type together: `name, city: text`, `feature_1 to feature_300: integer, 0 to 255`.
 *
 * @param isAll whether the table has no other columns
 */
export function groupedLines(
  columns: readonly ColumnDescription[],
  chars: number,
  isAll: boolean,
): { readonly columns: readonly ColumnDescription[]; readonly lines: readonly string[] } {
  const empties = emptiesLine(columns, isAll);
  const groups = groupsOf(runsOf(columns));
  const lines = groups.map(lineOf);
  const shown = upTo(lines, lines.length, chars - empties.length - 1);
  const count = groups.slice(0, shown.length).flat(2).length;
  const told = columns.slice(0, count).map(({ name, type, empties }) => ({ name, type, empties }));
  return { columns: told, lines: [empties, ...shown] };
}

function emptiesLine(columns: readonly ColumnDescription[], isAll: boolean): string {
  const found = columns.filter(({ empties }) => empties > 0);
  if (found.length === 0)
    return `No empty cells in ${isAll ? "these columns" : `the first ${columns.length} columns`}.`;
  const names = found.map(({ name, empties }) => `${plainOrQuoted(name)} (${empties})`);
  const shown = upTo(names, names.length, maxEmptiesChars);
  const rest = names.length - shown.length;
  const where = isAll ? "" : ` among the first ${columns.length} columns`;
  return `Columns with empty cells${where}: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}.`;
}

function runsOf(columns: readonly ColumnDescription[]): ColumnRun[] {
  const runs: [ColumnDescription, ...ColumnDescription[]][] = [];
  for (const column of columns) {
    const last = runs.at(-1);
    const before = last?.at(-1);
    if (last !== undefined && before !== undefined && follows(before, column)) last.push(column);
    else runs.push([column]);
  }
  // Two names are as short as the run of them.
  return runs.flatMap((run) => (run.length === 2 ? run.map((column): ColumnRun => [column]) : [run]));
}

function follows(before: ColumnDescription, column: ColumnDescription): boolean {
  if (before.type !== column.type) return false;
  const [, stem, number = ""] = /^(.*?)(\d{1,9})$/s.exec(before.name) ?? [];
  const [, nextStem, next = ""] = /^(.*?)(\d{1,9})$/s.exec(column.name) ?? [];
  return stem !== undefined && stem === nextStem && Number(next) === Number(number) + 1;
}

/** What is on one line: a run of several columns, or neighbours of one type. */
function groupsOf(runs: readonly ColumnRun[]): ColumnRun[][] {
  const groups: ColumnRun[][] = [];
  for (const run of runs) {
    const last = groups.at(-1);
    const before = last?.at(-1);
    const isAlike = before?.length === 1 && run.length === 1 && before[0].type === run[0].type;
    if (isAlike && last !== undefined && last.length < maxOnLine) last.push(run);
    else groups.push([run]);
  }
  return groups;
}

function lineOf(group: readonly ColumnRun[]): string {
  const names = group.map((run) => {
    const [first, last] = [run[0], run.at(-1)];
    const name = plainOrQuoted(first.name);
    return last === undefined || run.length === 1 ? name : `${name} to ${plainOrQuoted(last.name)}`;
  });
  const [only, ...others] = group;
  const range = only === undefined || others.length > 0 ? "" : rangeOf(only);
  return `${names.join(", ")}: ${only?.[0].type}${range}`;
}

/** What the numbers of a run of columns lie between. */
function rangeOf(run: ColumnRun): string {
  const isKnown = run.every(({ least, greatest }) => typeof least === "number" && typeof greatest === "number");
  if (!isKnown) return "";
  const [least, greatest] = [run.map((column) => Number(column.least)), run.map((column) => Number(column.greatest))];
  return `, ${Math.min(...least)} to ${Math.max(...greatest)}`;
}
