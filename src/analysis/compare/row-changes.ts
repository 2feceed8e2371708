import { cellText } from "../tables/cell-text.js";
import type { Cell, WantedRows } from "../tables/table.js";
import { Hasher } from "./hasher.js";

const maxCellChars = 100;
const maxLineChars = 1000;
/** Cells that are kept until the others that they are compared with are read. */
const maxKeptCells = 50_000;
/** A line is hardly shorter. */
const minLineChars = 8;

interface KeptCell {
  readonly shown: string;
  readonly hash: number;
}

interface ChangedRow {
  /** As `id=7`. */
  readonly name: string;
  readonly after: readonly KeptCell[];
}

/** The first changes of rows, as lines. */
export class RowChanges {
  readonly #key: string;
  readonly #common: readonly string[];
  readonly #all: readonly string[];
  readonly #chars: number;
  readonly #most: number;
  readonly #hasher = new Hasher();
  /** By the number of the row before. */
  readonly #changed = new Map<number, ChangedRow>();
  readonly #removed = new Set<number>();
  readonly #lines = { changed: [] as string[], added: [] as string[], removed: [] as string[] };

  /**
   * @param common names of the columns that both have, which are the first ones in `all`
   * @param chars of all lines
   */
  constructor(key: string, common: readonly string[], all: readonly string[], chars: number) {
    this.#key = key;
    this.#common = common;
    this.#all = all;
    this.#chars = chars;
    this.#most = Math.min(Math.ceil(chars / minLineChars), Math.ceil(maxKeptCells / (all.length + 1)));
  }

  /** @param row the key, then the cells of `all` */
  addAdded(row: readonly Cell[]): void {
    if (this.#lines.added.length >= this.#most) return;
    const cells = this.#all.map((name, at) => `${shown(name)}=${shown(cellText(row[at + 1] ?? null))}`);
    this.#lines.added.push(lineOf("+", this.#nameOf(row), cells));
  }

  /** @param before the number of the row before */
  addChanged(before: number, row: readonly Cell[]): void {
    if (this.#changed.size >= this.#most) return;
    this.#changed.set(before, {
      name: this.#nameOf(row),
      after: this.#common.map((_, at) => this.#kept(row[at + 1] ?? null)),
    });
  }

  addRemoved(before: number): void {
    if (this.#removed.size < this.#most) this.#removed.add(before);
  }

  /** The rows before that `showBefore` needs. */
  rowsBefore(): Pick<WantedRows, "from" | "to"> | undefined {
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    for (const number of [...this.#changed.keys(), ...this.#removed]) {
      from = Math.min(from, number);
      to = Math.max(to, number);
    }
    return to === 0 ? undefined : { from, to };
  }

  /** @param row the key, then the cells of the common columns */
  showBefore(number: number, row: readonly Cell[]): void {
    if (this.#removed.has(number)) this.#lines.removed.push(lineOf("-", this.#nameOf(row), []));
    const changed = this.#changed.get(number);
    if (changed === undefined) return;
    this.#changed.delete(number);
    const cells = changed.after.flatMap((after, at) => {
      const before = this.#kept(row[at + 1] ?? null);
      if (before.hash === after.hash) return [];
      return [`${shown(this.#common[at] ?? "")} ${orEmpty(before.shown)} -> ${orEmpty(after.shown)}`];
    });
    this.#lines.changed.push(lineOf("~", changed.name, cells));
  }

  /**
   * As many lines of each kind as fit, by turns.
   *
   * @param total the number of all changes
   */
  text(total: number): { readonly changes: string; readonly cut: boolean } {
    // What was not read again for lack of time has its key at least.
    const rest = [...this.#changed.values()].map(({ name }) => lineOf("~", name, []));
    const kinds = [[...this.#lines.changed, ...rest], this.#lines.added, this.#lines.removed];
    const taken = kinds.map(() => 0);
    let chars = 0;
    for (let turn = 0, full = 0; full < kinds.length; turn = (turn + 1) % kinds.length) {
      const line = kinds[turn]?.[taken[turn] ?? 0];
      if (line === undefined || chars + line.length > this.#chars) full++;
      else {
        full = 0;
        chars += line.length;
        taken[turn] = (taken[turn] ?? 0) + 1;
      }
    }
    const lines = kinds.flatMap((kind, at) => kind.slice(0, taken[at]));
    return { changes: lines.join(""), cut: lines.length < total || lines.some((line) => line.endsWith(cutLine)) };
  }

  #nameOf(row: readonly Cell[]): string {
    return `${shown(this.#key)}=${shown(cellText(row[0] ?? null))}`;
  }

  #kept(cell: Cell): KeptCell {
    const text = cellText(cell);
    this.#hasher.addText(text);
    return { shown: shown(text), hash: this.#hasher.take() };
  }
}

const cutLine = " ...\n";

function lineOf(sign: string, name: string, cells: readonly string[]): string {
  const line = `${sign} ${name}${cells.length > 0 ? ": " : ""}${cells.join(", ")}`;
  return line.length <= maxLineChars ? `${line}\n` : `${line.slice(0, maxLineChars)}${cutLine}`;
}

function orEmpty(text: string): string {
  return text === "" ? "(empty)" : text;
}

/** A copy on one line. A part of a text would keep all of it in memory. */
function shown(text: string): string {
  const cut = text.length > maxCellChars ? `${text.slice(0, maxCellChars)}...` : text;
  const copy = Buffer.from(cut).toString();
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(copy) ? JSON.stringify(copy).slice(1, -1) : copy;
}
