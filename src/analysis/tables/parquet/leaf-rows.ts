import { assembleLists } from "hyparquet/src/assemble.js";
import type { Cell } from "../table.js";
import { Unreadable } from "../unreadable.js";
import type { Leaf } from "./columns.js";
import type { Page, Pages } from "./pages.js";

/** What a leaf has in each row of a row group, a few rows at a time. */
export interface LeafRows {
  /** Leaves out rows, and the pages that have only those. */
  skip(rows: number): Promise<void>;
  /** The next rows; fewer only at the end of the column chunk. */
  take(rows: number): Promise<unknown[]>;
}

/** Values that are read at a time. */
const step = 4096;
/** A row may have so many values in a nested column. */
const mostValuesOfRow = 1_000_000;

/** Of a leaf that has a value or null in each row. */
export class FlatRows implements LeafRows {
  readonly #pages: Pages;
  readonly #leaf: Leaf;
  #page: Page | undefined;
  #left = 0;

  constructor(pages: Pages, leaf: Leaf) {
    this.#pages = pages;
    this.#leaf = leaf;
  }

  async skip(rows: number): Promise<void> {
    for (let left = rows; left > 0; ) {
      const size = this.#left > 0 ? undefined : await this.#pages.peek();
      if (size !== undefined && size <= left) {
        this.#pages.skip();
        left -= size;
      } else {
        const taken = await this.take(Math.min(left, step));
        if (taken.length === 0) return;
        left -= taken.length;
      }
    }
  }

  async take(rows: number): Promise<Cell[]> {
    const cells: Cell[] = [];
    while (cells.length < rows) {
      if (this.#left === 0) {
        const size = await this.#pages.peek();
        if (size === undefined) break;
        this.#page = await this.#pages.read();
        this.#left = size;
      } else if (this.#page !== undefined) {
        const part = Math.min(this.#left, rows - cells.length);
        this.#takeFrom(this.#page, part, cells);
        this.#left -= part;
      }
    }
    return cells;
  }

  #takeFrom(page: Page, count: number, cells: Cell[]): void {
    const levels = page.definitions?.take(count);
    if (levels === undefined) {
      for (const value of page.take(count)) cells.push(value);
      return;
    }
    const { maxDefinition } = this.#leaf;
    let present = 0;
    for (const level of levels) if (level === maxDefinition) present += 1;
    const values = page.take(present);
    let next = 0;
    for (const level of levels) cells.push(level === maxDefinition ? (values[next++] as Cell) : null);
  }
}

/** Of a leaf below a nested column: in each row lists in lists, as the library's `assembleNested` needs them. */
export class NestedRows implements LeafRows {
  readonly #pages: Pages;
  readonly #leaf: Leaf;
  #page: Page | undefined;
  #left = 0;
  #ended = false;
  /** Rows that were read, of which the last one may go on. */
  #rows: unknown[] = [];
  #valuesOfRow = 0;

  constructor(pages: Pages, leaf: Leaf) {
    this.#pages = pages;
    this.#leaf = leaf;
  }

  async skip(rows: number): Promise<void> {
    for (let left = rows; left > 0; ) {
      const taken = await this.take(Math.min(left, step));
      if (taken.length === 0) return;
      left -= taken.length;
    }
  }

  async take(rows: number): Promise<unknown[]> {
    while (!this.#ended && this.#rows.length <= rows) await this.#readMore();
    return this.#rows.splice(0, rows);
  }

  async #readMore(): Promise<void> {
    if (this.#left === 0) {
      const size = await this.#pages.peek();
      this.#page = size === undefined ? undefined : await this.#pages.read();
      this.#left = size ?? 0;
    }
    if (this.#page === undefined) this.#ended = true;
    else if (this.#left > 0) this.#assemble(this.#page, Math.min(this.#left, step));
  }

  #assemble(page: Page, count: number): void {
    this.#left -= count;
    const { maxDefinition, maxRepetition, path } = this.#leaf;
    const definitions = levelsOf(page.definitions?.take(count), maxDefinition);
    const repetitions = levelsOf(page.repetitions?.take(count), maxRepetition);
    const present =
      page.definitions === undefined ? count : definitions.filter((level) => level === maxDefinition).length;
    const values = page.take(present);
    this.#checkRow(repetitions, count);
    // The library goes on with the last row if the first value belongs to it.
    const last = this.#rows.splice(-1);
    // Without levels it takes the values for the rows.
    const rows = assembleLists(last, definitions, repetitions, values, [...path]);
    this.#rows = this.#rows.concat(rows === last ? last : last.concat(rows));
  }

  #checkRow(repetitions: readonly number[], count: number): void {
    const lastStart = repetitions.lastIndexOf(0);
    if (repetitions.length === 0) this.#valuesOfRow = 1;
    else this.#valuesOfRow = lastStart === -1 ? this.#valuesOfRow + count : count - lastStart;
    if (this.#valuesOfRow > mostValuesOfRow) {
      throw new Unreadable(`A row has more than ${mostValuesOfRow} values in one column.`, "size");
    }
  }
}

function levelsOf(levels: Uint32Array | undefined, max: number): number[] {
  const known = Array.from(levels ?? []);
  if (known.some((level) => level > max)) throw new Unreadable("A level is higher than the schema allows.");
  return known;
}
