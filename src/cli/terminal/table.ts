import stringWidth from "string-width";
import { escapeUnsafe } from "../../store/model/quote.js";

export interface TableColumn {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
}

/** Rows as lines of a terminal. */
export interface Table {
  /**
   * The lines of some rows, each with its line end; the first ones after a line of titles. The columns of rows that come
   * later are at least as wide, so a long listing can be printed page by page.
   */
  lines(rows: readonly (readonly string[])[]): string;
}

const gap = "  ";

/**
 * Creates a table whose columns are aligned: a wide character counts two cells. Characters that would control the
 * terminal are escaped.
 */
export function createTable(columns: readonly TableColumn[]): Table {
  const widths = columns.map(() => 0);
  let isBegun = false;
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, at) => {
      const padding = " ".repeat(Math.max(0, (widths[at] ?? 0) - stringWidth(cell)));
      return columns[at]?.isNumber ? padding + cell : cell + padding;
    });
    return `${padded.join(gap).trimEnd()}\n`;
  };
  return {
    lines(rows) {
      const titles = isBegun ? [] : [columns.map(({ title }) => title)];
      isBegun = true;
      const printed = [...titles, ...rows.map((cells) => cells.map(escapeUnsafe))];
      for (const cells of printed) {
        for (const [at, cell] of cells.entries()) widths[at] = Math.max(widths[at] ?? 0, stringWidth(cell));
      }
      return printed.map(line).join("");
    },
  };
}
