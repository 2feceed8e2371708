import { type CsvDialect, dialectOf } from "./csv-dialect.js";
import { CsvParts } from "./csv-parts.js";

/** Lines before the table. */
export interface Preamble {
  /** Their length, in characters. */
  readonly chars: number;
  readonly lines: number;
  /** What a line `sep=;` says, as Excel reads it. */
  readonly delimiter?: string;
}

const none: Preamble = { chars: 0, lines: 0 };
/** Rows that tell whether a line before them is a comment. */
const comparedRows = 20;

/**
 * The lines of a CSV before its first row: `sep=;`, or lines that begin with `#` and have fewer cells than each of the next
 * rows. A title, or any other line, is a row.
 *
 * @param sample the beginning of the text
 */
export function preambleOf(sample: string): Preamble {
  const sep = /^sep=([^\r\n"])(?:\r\n|\n|\r|$)/i.exec(sample);
  if (sep?.[1] !== undefined) return { chars: sep[0].length, lines: 1, delimiter: sep[1] };
  const comments = /^(?:#[^\r\n]*(?:\r\n|\n|\r))+/.exec(sample)?.[0];
  if (comments === undefined) return none;
  const dialect = dialectOf(sample.slice(comments.length));
  const width = leastWidth(sample.slice(comments.length), dialect);
  const lines = comments.match(/[^\r\n]*(?:\r\n|\n|\r)/g) ?? [];
  const end = lines.findIndex((line) => line.split(dialect.delimiter).length >= width);
  const skipped = end === -1 ? lines : lines.slice(0, end);
  return { chars: skipped.join("").length, lines: skipped.length };
}

/** The number of cells in the shortest of the first rows; 0 if there is none. The row at the end of a sample may be cut. */
function leastWidth(text: string, dialect: CsvDialect): number {
  const rows = new CsvParts(text, dialect, true).next()?.rows.slice(0, comparedRows) ?? [];
  const whole = rows.length > 1 ? rows.slice(0, -1) : rows;
  return whole.length === 0 ? 0 : Math.min(...whole.map((cells) => cells.length));
}
