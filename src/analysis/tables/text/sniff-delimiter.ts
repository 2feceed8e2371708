import { CsvRows } from "./csv-rows.js";

const delimiters = [",", ";", "\t", "|"];
/** Rows that are looked at. */
const sniffedRows = 100;

/**
 * The delimiter of the text: the one that gives most rows as many cells as the first row, if these are more than one.
 * Of several, the one with more cells; a comma if there is none.
 */
export function sniffDelimiter(text: string, isWhole: boolean): string {
  let best = { delimiter: ",", share: 0, cells: 1 };
  for (const delimiter of delimiters) {
    const found = { delimiter, ...evenness(new CsvRows(text, delimiter, isWhole)) };
    const isBetter = found.share > best.share || (found.share === best.share && found.cells > best.cells);
    if (found.cells > 1 && isBetter) best = found;
  }
  return best.delimiter;
}

/** The number of cells in the first row, and the share of rows that have as many. */
function evenness(rows: CsvRows): { readonly share: number; readonly cells: number } {
  let [all, even, cells] = [0, 0, 0];
  while (all < sniffedRows && rows.next(Number.MAX_SAFE_INTEGER)) {
    if (all === 0) cells = rows.cells.length;
    if (rows.cells.length === cells) even += 1;
    all += 1;
  }
  return { share: all === 0 ? 0 : even / all, cells };
}
