import { ArtifactError } from "../../store/model/errors.js";
import type { RowsAnalysis } from "../../store/ports/analyses.js";
import type { PartialReason, RowsPage } from "../../store/ports/description.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { openDetectedTable } from "./open-table.js";
import { findUnseen, otherColumns, pickColumns } from "./picked-columns.js";
import { noSuchRow, type RowRange, rangeOf, rowsOf } from "./row-range.js";
import { RowsText } from "./rows-text.js";
import type { Table } from "./table.js";

/** Names of cut columns that are told. */
const namedColumns = 50;

/**
 * Rows of a table. Without `rows`, as many as fit. Only the first row is cut if it does not fit. If no columns were named,
 * the last ones are left out when there is no room for 40 characters of each cell.
 *
 * @throws ArtifactError `invalid_argument` if the content is no table, or has no such columns or rows; the errors of the
 * source
 */
export async function readRows(source: Source, wanted: RowsAnalysis, run: Run): Promise<RowsPage> {
  const detected = await detectFormat(source);
  const opened = await openDetectedTable(source, detected, run);
  if (opened === undefined) throw noTable(source.key, detected, wanted);
  const { table, searched, names, indexes } = pickColumns(opened, wanted.columns);
  const isNamed = wanted.columns !== undefined && wanted.columns.length > 0;
  const text = new RowsText(names, wanted.chars, !isNamed);
  if (isNamed && 4 * names.length > wanted.chars) throw tooManyColumns(names.length, wanted.chars);
  const range = await rangeOf(table, wanted);
  const found = await fill(text, { table, range, columns: indexes.slice(0, text.names.length) });
  const total = range.total ?? (await totalAfter(table, range, text.rows, found));
  const columns = await (searched ? findUnseen(searched) : isNamed ? undefined : otherColumns(table));
  const partial = bothOf(found.partial ?? range.partial, columns);
  const csv = text.end();
  const omitted = indexes.length - text.names.length;
  return {
    csv,
    columns: text.names,
    first: text.rows === 0 ? 0 : range.from,
    last: text.rows === 0 ? 0 : range.from + text.rows - 1,
    ...(total !== undefined && { total }),
    more: found.more,
    ...(omitted > 0 && { omitted_columns: omitted }),
    ...cutsOf(text),
    ...(partial && { partial }),
  };
}

/** Whether a key does not say what its text is: it has no ending, or one of any text. */
function isVague(key: string): boolean {
  const name = key.slice(key.lastIndexOf("/") + 1).replace(/\.gz$/i, "");
  return !name.slice(1).includes(".") || /\.(?:txt|bin|log|dat)$/i.test(name);
}

/** The name of a content tells that its text is a table. */
function noTable(key: string, { format, compression }: Detected, { columns, row }: RowsAnalysis): ArtifactError {
  const message = format === "text" ? textIsNoTable(key, compression) : `The content is no table, but ${format}.`;
  const argument = columns !== undefined ? "columns" : row !== undefined ? "row" : "rows";
  return new ArtifactError("invalid_argument", message, { next: "describe_content", details: { argument } });
}

function textIsNoTable(key: string, compression: Detected["compression"]): string {
  const said = "The content is taken for text, not for a table.";
  if (!isVague(key)) return said;
  const ending = compression === undefined ? ".csv or .tsv" : ".csv.gz or .tsv.gz";
  return `${said} To read it as one, copy or save it under a key that ends in ${ending}.`;
}

function bothOf(first: PartialReason | undefined, second: PartialReason | undefined): PartialReason | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return { reason: first.reason, message: `${first.message} ${second.message}` };
}

function cutsOf({ cut, cutColumns }: RowsText): Pick<RowsPage, "cut" | "cut_columns"> {
  return {
    ...(cut > 0 && { cut }),
    ...(cutColumns.length > 0 && { cut_columns: cutColumns.slice(0, namedColumns) }),
  };
}

function tooManyColumns(columns: number, chars: number): ArtifactError {
  const message = `${columns === 1 ? "1 column has" : `${columns} columns have`} no room in ${chars} characters.`;
  return new ArtifactError("invalid_argument", message, { next: "look_at_less", details: { argument: "columns" } });
}

interface Filling {
  readonly table: Table;
  readonly range: RowRange;
  readonly columns: readonly number[];
}

interface Filled {
  readonly more: boolean;
  readonly partial?: PartialReason | undefined;
}

/** Adds the rows of the range to the text, as many as have room. */
async function fill(text: RowsText, { table, range, columns }: Filling): Promise<Filled> {
  const { from, to } = range;
  // The rows were not counted to the end, so the last ones are not known.
  if (range.partial?.reason === "time") return { more: true, partial: range.partial };
  // Whether rows follow is asked of the table only if it is not known: another row may be in another part of a file.
  const last = range.total === undefined ? to + 1 : to;
  let isFull = false;
  for await (const { first, rows } of table.batches({ from, to: last, columns })) {
    isFull = rows.some((row, index) => first + index > to || !text.add(row));
    if (isFull) break;
  }
  const partial = table.broken();
  if (isFull) return { more: true, partial };
  if (partial !== undefined) return { more: partial.reason === "time", partial };
  return { more: range.total !== undefined && from + text.rows <= range.total };
}

/** The number of rows in the table, if the end was reached. */
async function totalAfter(table: Table, range: RowRange, rows: number, { more, partial }: Filled) {
  if (more || (partial !== undefined && table.hasAllRows?.() !== true)) return undefined;
  if (rows > 0 || range.from === 1) return range.from + rows - 1;
  throw noSuchRow(range.from, await rowsOf(table));
}
