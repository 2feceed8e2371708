import { cellText } from "../../tables/cell-text.js";
import type { Cell, WantedRows } from "../../tables/table.js";
import { Hasher } from "../hasher.js";
import { oneLine } from "../one-line.js";
import type { CellKind } from "./cell-kinds.js";
import type { Side } from "./waiting-rows.js";

const maxCellChars = 100;
const maxLineChars = 1000;
/** Cells of each kind of rows that are kept until they are shown. */
const maxKeptCells = 20_000;
/** A line is hardly shorter. */
const minLineChars = 8;
/** Lines of removed rows tell little: for 7,200 characters there are at most 20. */
const charsPerRemoved = 360;
const leastRemoved = 20;

/** The kind of a cell of a row that has the key first. */
export type KindOf = (side: Side, cell: Cell, at: number) => CellKind;

interface KeptCell {
  /** As much of its text as is shown. */
  readonly text: string;
  readonly hash: number;
  readonly kind: CellKind;
}

/** What is shown of a row. */
export interface KeptRow {
  readonly key: KeptCell;
  /** The cells after the key. */
  readonly cells: readonly KeptCell[];
}

/** A row before and the row after, one of them alone if it was removed or added. */
interface Change {
  readonly numbers: readonly [number | undefined, number | undefined];
  readonly rows: [KeptRow | undefined, KeptRow | undefined];
}

type Kind = "changed" | "added" | "removed";
const kinds: readonly Kind[] = ["changed", "added", "removed"];
const signs = { changed: "~", added: "+", removed: "-" };

export type RowCounts = Readonly<Record<Kind, number>>;

/** The first changes of rows, as lines. Rows have the key first, then the cells of the columns. */
export class RowChanges {
  /** The most rows of one kind that are kept. */
  readonly most: number;
  readonly #key: string;
  readonly #columns: readonly string[];
  readonly #kindOf: KindOf;
  readonly #hasher = new Hasher();
  readonly #changes: Record<Kind, Change[]> = { changed: [], added: [], removed: [] };
  /** Changes whose rows are not at hand, by the numbers of these. */
  readonly #missing = [new Map<number, Change>(), new Map<number, Change>()] as const;

  /**
   * @param columns names of the columns, without the key. Those that both tables have come first
   * @param chars the most of all lines
   */
  constructor(key: string, columns: readonly string[], kindOf: KindOf, chars: number) {
    this.#kindOf = kindOf;
    this.#key = key;
    this.#columns = columns;
    this.most = Math.min(Math.ceil(chars / minLineChars), Math.ceil(maxKeptCells / (columns.length + 1)));
  }

  keep(side: Side, row: readonly Cell[]): KeptRow {
    const [key, ...cells] = row.map((cell = null, at): KeptCell => {
      const text = cellText(cell);
      this.#hasher.addText(text);
      return { text: copyOf(text), hash: this.#hasher.take(), kind: this.#kindOf(side, cell, at) };
    });
    return { key: key as KeptCell, cells };
  }

  /** @param rowOf the row of a number, if it is at hand */
  add(numbers: Change["numbers"], rowOf: (side: Side, number: number) => KeptRow | undefined): void {
    const [before, after] = numbers;
    const list = this.#changes[before === undefined ? "added" : after === undefined ? "removed" : "changed"];
    if (list.length >= this.most) return;
    const change: Change = {
      numbers,
      rows: [before && rowOf(0, before), after && rowOf(1, after)] as Change["rows"],
    };
    list.push(change);
    for (const side of [0, 1] as const) {
      const number = numbers[side];
      if (number !== undefined && change.rows[side] === undefined) this.#missing[side].set(number, change);
    }
  }

  /** The rows that `show` needs. */
  missing(side: Side): Pick<WantedRows, "from" | "to"> | undefined {
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    for (const number of this.#missing[side].keys()) {
      from = Math.min(from, number);
      to = Math.max(to, number);
    }
    return to === 0 ? undefined : { from, to };
  }

  show(side: Side, number: number, row: readonly Cell[]): void {
    const change = this.#missing[side].get(number);
    if (change !== undefined) change.rows[side] = this.keep(side, row);
  }

  /**
   * As many lines of each kind as fit, by turns, and how many more there are.
   *
   * @param mostChars of the lines, beside those that say how many more there are
   */
  text(counts: RowCounts, mostChars: number): { readonly changes: string; readonly cut: boolean } {
    const mostRemoved = Math.max(leastRemoved, Math.ceil(mostChars / charsPerRemoved));
    const lists = kinds.map((kind) => this.#lines(kind));
    const taken = kinds.map(() => 0);
    let chars = 0;
    for (let turn = 0, full = 0; full < kinds.length; turn = (turn + 1) % kinds.length) {
      const at = taken[turn] as number;
      const line = kinds[turn] === "removed" && at >= mostRemoved ? undefined : lists[turn]?.[at];
      if (line === undefined || chars + line.length > mostChars) full++;
      else {
        full = 0;
        chars += line.length;
        taken[turn] = at + 1;
      }
    }
    const lines = kinds.flatMap((kind, at) => {
      const more = counts[kind] - (taken[at] as number);
      return [...(lists[at] ?? []).slice(0, taken[at]), ...(more > 0 ? [`${signs[kind]} and ${more} more\n`] : [])];
    });
    const shownLines = taken.reduce((sum, count) => sum + count, 0);
    const all = counts.changed + counts.added + counts.removed;
    return { changes: lines.join(""), cut: shownLines < all || lines.some((line) => line.endsWith(cutLine)) };
  }

  /** Lines in the order of the rows. Changes are left out whose row was not read for lack of time. */
  #lines(kind: Kind): string[] {
    const numberOf = ({ numbers: [before, after] }: Change) => before ?? after ?? 0;
    const changes = this.#changes[kind].toSorted((left, right) => numberOf(left) - numberOf(right));
    return changes.flatMap((change) => this.#lineOf(kind, change) ?? []);
  }

  #lineOf(kind: Kind, { rows: [before, after] }: Change): string | undefined {
    const key = (after ?? before)?.key;
    if (key === undefined) return undefined;
    const name = `${shown(this.#key)}=${value(key.text)}`;
    if (kind === "removed") return lineOf(signs[kind], name, []);
    const cells = after?.cells ?? [];
    if (kind === "added") {
      return lineOf(
        signs[kind],
        name,
        cells.map((cell, at) => `${shown(this.#columns[at] ?? "")}=${value(cell.text)}`),
      );
    }
    if (before === undefined || after === undefined) return lineOf(signs[kind], name, []);
    const keyChange = before.key.kind === key.kind ? [] : [`${shown(this.#key)} ${changeOf(before.key, key)}`];
    const changed = before.cells.flatMap((cell, at) => {
      const other = cells[at];
      if (other === undefined || (other.hash === cell.hash && other.kind === cell.kind)) return [];
      return [`${shown(this.#columns[at] ?? "")} ${changeOf(cell, other)}`];
    });
    return lineOf(signs[kind], name, [...keyChange, ...changed]);
  }
}

const cutLine = " ...\n";

function lineOf(sign: string, name: string, cells: readonly string[]): string {
  const line = `${sign} ${name}${cells.length > 0 ? ": " : ""}${cells.join(", ")}`;
  return line.length <= maxLineChars ? `${line}\n` : `${line.slice(0, maxLineChars)}${cutLine}`;
}

/** As `12 -> 13`. Where the kind is another one, it is seen: `"12" -> 12`, `12 (integer) -> 12 (number)`. */
function changeOf(before: KeptCell, after: KeptCell): string {
  if (before.kind === after.kind) return `${orEmpty(before.text)} -> ${orEmpty(after.text)}`;
  const values = [before, after].map(({ text, kind }) => (kind === "text" ? quoted(text) : orEmpty(text)));
  if (values[0] !== values[1]) return values.join(" -> ");
  return `${values[0]} (${before.kind}) -> ${values[1]} (${after.kind})`;
}

function orEmpty(text: string): string {
  return text === "" ? "(empty)" : value(text);
}

/** In quotes if blanks at its ends would not be seen. */
function value(text: string): string {
  return /^\s|\s$/.test(text) ? quoted(text) : shown(text);
}

/** A copy of what is shown. A part of a text would keep all of it in memory. */
function copyOf(text: string): string {
  return Buffer.from(text.length > maxCellChars ? `${text.slice(0, maxCellChars)}...` : text).toString();
}

/** On one line, and not too long. */
function shown(text: string): string {
  return oneLine(text.length > maxCellChars + 3 ? copyOf(text) : text);
}

/** A text in quotes. */
function quoted(text: string): string {
  return `"${oneLine(text.replace(/["\\]/g, "\\$&"))}"`;
}
