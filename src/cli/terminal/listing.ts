import { escapeUnsafe } from "../../store/model/quote.js";
import { jsonText } from "./json-text.js";
import { humanBytes } from "./sizes.js";
import { createTable, type TableColumn } from "./table.js";
import type { Terminal } from "./terminal.js";
import { exactTime, humanTime } from "./times.js";

/** How facts are written: for a person, or exactly. */
export interface FactStyle {
  bytes(bytes: number): string;
  /** @param seconds unix seconds */
  time(seconds: number): string;
}

const forPeople: FactStyle = { bytes: humanBytes, time: humanTime };
const exact: FactStyle = { bytes: String, time: exactTime };

export interface ListingColumn<Item> extends TableColumn {
  /** It is printed only with `--long`. */
  readonly isLong?: boolean;
  /** It names the item: a program gets the address in its place. */
  readonly isName?: boolean;
  text(item: Item, style: FactStyle): string;
}

export interface ListingOptions<Item> {
  readonly isJson: boolean;
  readonly isLong: boolean;
  readonly columns: readonly ListingColumn<Item>[];
  /**
   * What names an item in another command. A program that reads the listing gets it alone, one a line, unless `isLong`.
   * Without it, the program gets the columns.
   */
  readonly address?: (item: Item) => string;
}

/** Prints a listing as it comes, so that its length does not matter. */
export interface Listing<Item> {
  add(items: readonly Item[]): Promise<void>;
  /** Ends it. With `isJson`, `more` are further members of the document. */
  end(more?: object): Promise<void>;
}

/**
 * Creates a listing. On a terminal it is a table. For a program it is one address a line, or with `isLong` one item a line
 * with tabs between exact facts, without titles. With `isJson` it is one object, whose member `data` has the items.
 *
 * Sizes and times are exact with `isLong` too.
 */
export function createListing<Item>(terminal: Terminal, options: ListingOptions<Item>): Listing<Item> {
  const { isJson, isLong, address } = options;
  if (isJson) return createJsonListing(terminal);
  const columns = options.columns.filter((column) => isLong || column.isLong !== true);
  const style = terminal.isTerminal && !isLong ? forPeople : exact;
  const cells = (item: Item): string[] =>
    columns.map(({ text, isName = false }) =>
      isName && address !== undefined && !terminal.isTerminal ? address(item) : text(item, style),
    );
  const table = createTable(columns);
  const linesOf = (items: readonly Item[]): string => {
    if (terminal.isTerminal) return table.lines(items.map(cells));
    if (address !== undefined && !isLong) return items.map((item) => `${address(item)}\n`).join("");
    return items.map((item) => `${cells(item).map(escapeUnsafe).join("\t")}\n`).join("");
  };
  return {
    async add(items) {
      if (items.length > 0) await terminal.print(linesOf(items));
    },
    async end() {},
  };
}

function createJsonListing<Item>(terminal: Terminal): Listing<Item> {
  let before = '{"data":[';
  return {
    async add(items) {
      if (items.length === 0) return;
      await terminal.print(before + items.map(jsonText).join(","));
      before = ",";
    },
    async end(more = {}) {
      const start = before === "," ? "" : before;
      const members = Object.entries(more).map(([name, value]) => `,${jsonText(name)}:${jsonText(value)}`);
      await terminal.print(`${start}]${members.join("")}}\n`);
    },
  };
}
