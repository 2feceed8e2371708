import type { Cell, Column, LaterColumns } from "../table.js";
import { maxColumns } from "./row-texts.js";

/** Rows that tell the columns, and the most characters of them. */
export const sampledRows = 1_000;
export const sampledChars = 4 * 1024 * 1024;
/** Characters of all names of later columns that are kept. */
const laterNameChars = 1024 * 1024;

/** Adds the names of the columns that a row of JSON has. */
export function addNames(names: Set<string>, value: unknown): void {
  if (isObject(value)) for (const name of Object.keys(value)) addName(names, name);
  else for (const index of itemsOf(value).keys()) addName(names, `column_${index + 1}`);
}

function addName(names: Set<string>, name: string): void {
  if (names.size < maxColumns) names.add(name);
}

function isObject(value: unknown): value is Record<string, Cell> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function itemsOf(value: unknown): readonly Cell[] {
  return Array.isArray(value) ? value : [value as Cell];
}

/**
 * The columns of rows that are JSON: the members of objects. The items of an array are `column_1`, `column_2`, ..., and any
 * other value is a `column_1`.
 */
export class JsonColumns {
  readonly columns: readonly Column[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #unseen: Map<number, string>;
  readonly #later = new Set<string>();
  #laterChars = 0;
  #hasMore = false;

  /** @param added names that are none of the others, and that later rows may have */
  constructor(names: readonly string[], added: readonly string[] = []) {
    const all = [...names, ...added];
    this.columns = all.map((name) => ({ name }));
    this.#indexes = new Map(all.map((name, index) => [name, index]));
    this.#unseen = new Map(added.map((name, index) => [names.length + index, name]));
  }

  with(added: readonly string[]): JsonColumns {
    return new JsonColumns(
      this.columns.map(({ name }) => name),
      added,
    );
  }

  /** Added columns that `cellsOf` has not seen. */
  get unseen(): readonly string[] {
    return [...this.#unseen.values()];
  }

  /** Other columns that `cellsOf` has seen. */
  get later(): LaterColumns {
    return { names: this.#later, hasMore: this.#hasMore };
  }

  /** The indexes of wanted columns; undefined if they are all, in their order. */
  picked(columns: readonly number[] | undefined): readonly number[] | undefined {
    const isAll = columns?.length === this.columns.length && columns.every((column, index) => column === index);
    return isAll ? undefined : columns;
  }

  /** @param picked as `picked` returns it */
  cellsOf(value: unknown, picked: readonly number[] | undefined): readonly Cell[] {
    const cells = new Array<Cell>(this.columns.length).fill(null);
    if (isObject(value)) for (const name of Object.keys(value)) this.#put(cells, name, value[name]);
    else for (const [index, item] of itemsOf(value).entries()) this.#put(cells, `column_${index + 1}`, item);
    return picked === undefined ? cells : picked.map((column) => cells[column] ?? null);
  }

  #put(cells: Cell[], name: string, cell: Cell | undefined): void {
    const index = this.#indexes.get(name);
    if (index === undefined) {
      this.#noteLater(name);
      return;
    }
    cells[index] = cell ?? null;
    if (this.#unseen.size > 0) this.#unseen.delete(index);
  }

  #noteLater(name: string): void {
    if (this.#later.has(name)) return;
    if (this.#laterChars >= laterNameChars) this.#hasMore = true;
    else {
      this.#later.add(name);
      this.#laterChars += name.length;
    }
  }
}
