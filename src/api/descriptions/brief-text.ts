import { count } from "../../store/model/count.js";
import { quote } from "../../store/model/quote.js";
import type { Description, TextDescription } from "../../store/ports/description.js";
import { briefOf } from "../brief-description.js";

/** What a content is, in a few words: "parquet, 406 rows x 9 columns". */
export function briefText(description: Description): string {
  const { format, compression, encoding, lines, rows, columns, width, height, entries, tensors, parameters, partial } =
    briefOf(description);
  const least = partial && !description.table?.rows_exact ? "at least " : "";
  const leastColumns = description.table?.more_columns ? "at least " : "";
  return [
    compression === undefined ? nameOf(format) : `${nameOf(format)} in ${compression}`,
    encoding ?? "",
    lines === undefined ? "" : `${least}${count(lines, "line")}`,
    rows === undefined ? "" : sizeText(rows, columns, { least, leastColumns }),
    width === undefined ? "" : `${width} x ${height} pixels`,
    entries === undefined ? "" : count(entries, "entry", "entries"),
    tensors === undefined ? "" : `${count(tensors, "tensor")}, ${count(parameters ?? 0, "parameter")}`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

interface LowerBounds {
  /** "at least " where the number is a lower bound; else empty. */
  readonly least: string;
  readonly leastColumns: string;
}

function sizeText(rows: number, columns = 0, { least, leastColumns }: LowerBounds): string {
  const width = `${leastColumns}${count(columns, "column")}`;
  return least !== "" && rows === 0 ? width : `${least}${count(rows, "row")} x ${width}`; // without rows, none was read
}

const nameOf = (format: string): string => (format === "unknown" ? "of an unknown format" : format);

/**
 * What is known of text beside its lines: "utf-8, line ends crlf, line 12 is the longest (98 bytes)". Of a table only
 * what is not usual.
 */
export function textFacts({ text, table }: Description): string[] {
  if (text === undefined) return [];
  const { encoding, bom, line_ends, lines, longest_line: longest } = text;
  const isAll = table === undefined;
  return [
    isAll && encoding === "utf-8" ? encoding : "",
    bom ? "with BOM" : "",
    isAll || (line_ends !== "lf" && line_ends !== "mixed") ? endsText(line_ends) : "", // a cell may have other line ends
    isAll && lines > 1 ? `line ${longest.line} is the longest (${count(longest.bytes, "byte")})` : "",
  ].filter((part) => part !== "");
}

function endsText(ends: TextDescription["line_ends"]): string {
  return ends === "none" ? "no line end" : `line ends ${ends}`;
}

/** A name or a value from content, for a line of text: in quotes if it could be misread, and cut if it is long. */
export function plainOrQuoted(text: string): string {
  const quoted = quote(text);
  return /^[^\s,]*[^\s,:](?: [^\s,]*[^\s,:])*$/.test(text) && quoted === `"${text}"` ? text : quoted;
}
