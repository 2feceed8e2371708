import { briefOf } from "../../api/brief-description.js";
import { count } from "../../store/model/count.js";
import { quote } from "../../store/model/quote.js";
import type { Description } from "../../store/ports/description.js";

/** What a content is, in a few words: "parquet, 406 rows x 9 columns". */
export function briefText(description: Description): string {
  const { format, compression, encoding, lines, rows, columns, width, height, entries, tensors, parameters, partial } =
    briefOf(description);
  const least = partial && !description.table?.rows_exact ? "at least " : "";
  return [
    compression === undefined ? format : `${format} in ${compression}`,
    encoding ?? "",
    lines === undefined ? "" : `${least}${count(lines, "line")}`,
    rows === undefined ? "" : `${least}${count(rows, "row")} x ${count(columns ?? 0, "column")}`,
    width === undefined ? "" : `${width} x ${height} pixels`,
    entries === undefined ? "" : entries === 1 ? "1 entry" : `${entries} entries`,
    tensors === undefined ? "" : `${count(tensors, "tensor")}, ${count(parameters ?? 0, "parameter")}`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

/** A name or a value from content, for a line of text: in quotes if it could be misread, and cut if it is long. */
export function plainOrQuoted(text: string): string {
  const quoted = quote(text);
  return /^[^\s,:]+(?: [^\s,:]+)*$/.test(text) && quoted === `"${text}"` ? text : quoted;
}
