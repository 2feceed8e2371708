import { plainOrQuoted } from "../../api/descriptions/brief-text.js";
import { quote } from "../../store/model/quote.js";
import type { ColumnDescription } from "../../store/ports/description.js";
import { upTo } from "../calls/up-to.js";
import { groupedLines } from "./column-groups.js";

/** Values are told of columns that have at most this many different ones. */
const fewValues = 20;
const maxValues = 3;

export interface ShownColumns {
  /** What the lines tell. */
  readonly columns: readonly ColumnDescription[];
  readonly lines: readonly string[];
  /** The lines have only names, types and the numbers of empty values. */
  readonly isShort: boolean;
}

/** Columns and the number of rows of their table. */
export interface ColumnsOfRows {
  readonly columns: readonly ColumnDescription[];
  readonly rows: number;
  /** The table has no other columns. */
  readonly isAll: boolean;
}

/** A line for each column. If not all have room, columns share lines that have fewer facts. */
export function columnLines({ columns, rows, isAll }: ColumnsOfRows, chars: number): ShownColumns {
  const usual = columns.map(usualFacts);
  const lines = usual.map((column) => columnLine(column, rows));
  if (upTo(lines, lines.length, chars).length === lines.length) return { columns: usual, lines, isShort: false };
  return { ...groupedLines(columns, chars, isAll), isShort: true };
}

/** All that is known of each column, as many columns as have room; one in any case. */
export function fullColumnLines({ columns, rows }: ColumnsOfRows, chars: number): ShownColumns {
  const all = columns.map((column) => `${columnLine(withoutUnique(column), rows)}${histogramText(column)}`);
  const shown = Math.max(1, upTo(all, all.length, chars).length);
  return { columns: columns.slice(0, shown), lines: all.slice(0, shown), isShort: false };
}

/** Without the range of a text whose values are told, which says nothing more. */
function usualFacts(column: ColumnDescription): ColumnDescription {
  const { values, histogram, ...facts } = withoutUnique(column);
  const isFew = facts.distinct_exact === true && facts.distinct !== undefined && facts.distinct <= fewValues;
  if (values === undefined || !isFew) return facts;
  const { least, greatest, ...others } = facts;
  return { ...(facts.type === "text" ? others : facts), values: values.slice(0, maxValues) };
}

/** Values that occur once each say less than their number and their range. They are told by frequency. */
function withoutUnique(column: ColumnDescription): ColumnDescription {
  const { values, ...facts } = column;
  return values?.[0]?.count === 1 ? facts : column;
}

/** `price: number, 3 empty, 0.5 to 17, 12 different: 1 (4), ...`. */
function columnLine(column: ColumnDescription, rows: number): string {
  const { name, distinct, empties, values = [] } = column;
  const counted = values.map(({ value, count }) => `${plainOrQuoted(value)} (${count})`);
  if (distinct !== undefined && distinct > values.length) counted.push("...");
  const parts = [
    column.type,
    empties === 0 ? "" : `${empties} empty`,
    rangeText(column),
    distinct === undefined ? "" : distinctText(column, rows - empties),
  ].filter((part) => part !== "");
  return `${plainOrQuoted(name)}: ${parts.join(", ")}${values.length === 0 ? "" : `: ${counted.join(", ")}`}`;
}

function distinctText({ distinct, distinct_exact: isExact }: ColumnDescription, filled: number): string {
  if (!isExact) return `at least ${distinct} different`;
  return distinct === filled && filled > 1 ? "all different" : `${distinct} different`;
}

/** Text is in quotes, so that it cannot be read as a part of the sentence. */
function rangeText({ type, least, greatest }: ColumnDescription): string {
  if (least === undefined || greatest === undefined) return "";
  if (type === "text") return `from ${quote(String(least))} to ${quote(String(greatest))}`;
  return `${edgeText(least)} to ${edgeText(greatest)}`;
}

function histogramText({ type, histogram }: ColumnDescription): string {
  if (histogram === undefined) return "";
  const { from, to, counts } = histogram;
  const edge = (value: number): string =>
    type === "time" ? new Date(value).toISOString().replace(".000Z", "Z") : String(value);
  return `; in ${counts.length} equal bins from ${edge(from)} to ${edge(to)}: ${counts.join(" ")}`;
}

function edgeText(value: number | string): string {
  return typeof value === "number" ? String(value) : plainOrQuoted(value.replace(/(:\d\d)\.000Z$/, "$1Z"));
}
