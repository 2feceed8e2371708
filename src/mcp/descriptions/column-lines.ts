import type { ColumnDescription } from "../../store/ports/description.js";
import { upTo } from "../calls/up-to.js";
import { plainOrQuoted } from "./brief-text.js";

/** Values are told of columns that have at most this many different ones. */
const fewValues = 20;
const maxValues = 3;

export interface ShownColumns {
  /** What the lines tell. */
  readonly columns: readonly ColumnDescription[];
  readonly lines: readonly string[];
  /** The lines have only name, type and empty values. */
  readonly isShort: boolean;
}

/** A line for each column. If not all have room, the lines have fewer facts; if not even then, there are fewer lines. */
export function columnLines(columns: readonly ColumnDescription[], chars: number): ShownColumns {
  const usual = columns.map(usualFacts);
  const lines = usual.map(columnLine);
  if (upTo(lines, lines.length, chars).length === lines.length) return { columns: usual, lines, isShort: false };
  const short = columns.map(({ name, type, empties }) => ({ name, type, empties }));
  const shown = upTo(short.map(columnLine), short.length, chars);
  return { columns: short.slice(0, shown.length), lines: shown, isShort: true };
}

/** All that is known of each column, as many columns as have room; one in any case. */
export function fullColumnLines(columns: readonly ColumnDescription[], chars: number): ShownColumns {
  const all = columns.map((column) => `${columnLine(column)}${histogramText(column)}`);
  const shown = Math.max(1, upTo(all, all.length, chars).length);
  return { columns: columns.slice(0, shown), lines: all.slice(0, shown), isShort: false };
}

function usualFacts({ values, histogram, ...facts }: ColumnDescription): ColumnDescription {
  const isFew = facts.distinct_exact === true && facts.distinct !== undefined && facts.distinct <= fewValues;
  return values === undefined || !isFew ? facts : { ...facts, values: values.slice(0, maxValues) };
}

/** `price: number, 3 empty, 0.5 to 17, 12 different: 1 4 times, ...`. */
function columnLine(column: ColumnDescription): string {
  const { name, type, empties, least, greatest, distinct, distinct_exact: isExact, values = [] } = column;
  const counted = values.map(({ value, count }) => `${plainOrQuoted(value)} (${count})`);
  if (distinct !== undefined && distinct > values.length) counted.push("...");
  const parts = [
    type,
    empties === 0 ? "" : `${empties} empty`,
    least === undefined || greatest === undefined ? "" : `${valueText(least)} to ${valueText(greatest)}`,
    distinct === undefined ? "" : `${isExact ? "" : "at least "}${distinct} different`,
  ].filter((part) => part !== "");
  return `${plainOrQuoted(name)}: ${parts.join(", ")}${values.length === 0 ? "" : `: ${counted.join(", ")}`}`;
}

function histogramText({ type, histogram }: ColumnDescription): string {
  if (histogram === undefined) return "";
  const { from, to, counts } = histogram;
  const edge = (value: number): string =>
    type === "time" ? new Date(value).toISOString().replace(".000Z", "Z") : String(value);
  return `; in ${counts.length} equal bins from ${edge(from)} to ${edge(to)}: ${counts.join(" ")}`;
}

const valueText = (value: number | string): string =>
  typeof value === "number" ? String(value) : plainOrQuoted(value);
