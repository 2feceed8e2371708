import type { Batch, Cell } from "../../tables/table.js";
import type { KeptRow } from "./row-changes.js";

/**
 * The rows of a table that are at hand: those of the batch that is compared, and of the batches before the first ones that
 * wait for a row of the other table.
 */
export class RecentRows {
  readonly #most: number;
  readonly #keep: (row: readonly Cell[]) => KeptRow;
  readonly #kept = new Map<number, KeptRow>();
  #first = 1;
  #rows: Batch["rows"] = [];
  /** 1 for the rows of the batch that do not wait. */
  #isDone = new Uint8Array();

  /** @param most rows of earlier batches that are kept at most */
  constructor(most: number, keep: (row: readonly Cell[]) => KeptRow) {
    this.#most = most;
    this.#keep = keep;
  }

  /** The next batch is compared. All rows of the one before were. */
  begin({ first, rows }: Batch): void {
    for (let at = 0; at < this.#rows.length && this.#kept.size < this.#most; at++) {
      if (this.#isDone[at] === 0) this.#kept.set(this.#first + at, this.#keep(this.#rows[at] as readonly Cell[]));
    }
    this.#first = first;
    this.#rows = rows;
    this.#isDone = new Uint8Array(rows.length);
  }

  /** The row, if it is at hand. */
  rowOf(number: number): KeptRow | undefined {
    const row = this.#rows[number - this.#first];
    return row === undefined ? this.#kept.get(number) : this.#keep(row);
  }

  /** The row does not wait, or no more. */
  forget(number: number): void {
    const at = number - this.#first;
    if (at >= 0) this.#isDone[at] = 1;
    else if (this.#kept.size > 0) this.#kept.delete(number);
  }
}
