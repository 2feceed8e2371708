import Papa from "papaparse";

export interface CsvDialect {
  readonly delimiter: string;
  /** What ends a row. With LF, a CR before it belongs to the end too. */
  readonly newline: "\n" | "\r";
}

const delimiters = [",", ";", "\t", "|"];

/**
 * The dialect of a text, by its beginning: papaparse guesses the delimiter from the first ten rows.
 *
 * @param delimiter the delimiter, if it is known
 */
export function dialectOf(sample: string, delimiter?: string): CsvDialect {
  const newline = newlineOf(sample);
  return { delimiter: delimiter ?? delimiterOf(sample, newline), newline };
}

/** papaparse's own guess takes CR for a file in which it only prevails, and so joins rows that end with LF. */
function newlineOf(sample: string): CsvDialect["newline"] {
  const bare = sample.replace(/"[^"]*(?:"|$)/g, "");
  const endsWithin = bare.endsWith("\r"); // LF may follow
  return !bare.includes("\n") && (endsWithin ? bare.slice(0, -1) : bare).includes("\r") ? "\r" : "\n";
}

function delimiterOf(sample: string, newline: CsvDialect["newline"]): string {
  const text = sample.replace(/^[\r\n]+/, "");
  // The row at the end may be cut. It counts only if it is the only one.
  const whole = text.slice(0, text.lastIndexOf(newline) + 1);
  const config = { delimitersToGuess: delimiters, newline, preview: 1, skipEmptyLines: true };
  return Papa.parse<string[]>(whole === "" ? text : whole, config).meta.delimiter;
}
