import { ArtifactError } from "../../store/model/errors.js";
import { meantName } from "../../store/model/meant-name.js";
import type { RowsAnalysis } from "../../store/ports/analyses.js";
import type { PartialReason, RowsPage } from "../../store/ports/description.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { openDetectedTable } from "./open-table.js";
import { noSuchRow, type RowRange, rangeOf, rowsOf } from "./row-range.js";
import { RowsText } from "./rows-text.js";
import { shownText } from "./statistics/extremes.js";
import type { Table } from "./table.js";

/** Names in an error about columns. */
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
  const table = await openDetectedTable(source, detected, run);
  if (table === undefined) {
    throw noTable(detected);
  }
  const names = wanted.columns?.length ? [...new Set(wanted.columns)] : undefined;
  const columns = names?.map((name) => indexOfColumn(table, name)) ?? [...table.columns.keys()];
  const text = new RowsText(names ?? table.columns.map(({ name }) => name), wanted.chars, names === undefined);
  if (names !== undefined && 4 * names.length > wanted.chars) throw tooManyColumns(names.length, wanted.chars);
  const range = await rangeOf(table, wanted);
  const found = await fill(text, { table, range, columns: columns.slice(0, text.names.length) });
  const total = range.total ?? (await totalAfter(table, range, text.rows, found));
  const csv = text.end();
  const omitted = columns.length - text.names.length;
  return {
    csv,
    columns: text.names,
    first: text.rows === 0 ? 0 : range.from,
    last: text.rows === 0 ? 0 : range.from + text.rows - 1,
    ...(total !== undefined && { total }),
    more: found.more,
    ...(omitted > 0 && { omitted_columns: omitted }),
    ...cutsOf(text),
    ...((found.partial ?? range.partial) && { partial: found.partial ?? range.partial }),
  };
}

function cutsOf({ cut, cutColumns }: RowsText): Pick<RowsPage, "cut" | "cut_columns"> {
  return {
    ...(cut > 0 && { cut }),
    ...(cutColumns.length > 0 && { cut_columns: cutColumns.slice(0, namedColumns) }),
  };
}

function indexOfColumn({ columns }: Table, name: string): number {
  const index = columns.findIndex((column) => column.name === name);
  if (index !== -1) return index;
  const start = `The table has no column ${JSON.stringify(shownText(name))}.`;
  const meant = meantName(
    name,
    columns.map((column) => column.name),
  );
  if (meant !== undefined) throw noColumn(`${start} Did you mean ${JSON.stringify(shownText(meant))}?`);
  const names = columns.slice(0, namedColumns).map((column) => JSON.stringify(shownText(column.name)));
  const rest = columns.length > namedColumns ? ` and ${columns.length - namedColumns} more` : "";
  throw noColumn(`${start} Its columns are ${names.join(", ")}${rest}.`);
}

/** The name of a content tells that its text is a table. */
function noTable({ format, compression }: Detected): ArtifactError {
  const ending = compression === undefined ? ".csv or .tsv" : ".csv.gz or .tsv.gz";
  const message =
    format === "text"
      ? `The content is taken for text, not for a table. To read it as one, copy or save it under a key that ends in ${ending}.`
      : `The content is no table, but ${format}.`;
  return new ArtifactError("invalid_argument", message, { next: "describe_content" });
}

const noColumn = (message: string): ArtifactError =>
  new ArtifactError("invalid_argument", message, { details: { argument: "columns" } });

function tooManyColumns(columns: number, chars: number): ArtifactError {
  const message = `${columns} columns have no room in ${chars} characters.`;
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
