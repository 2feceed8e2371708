import { cellText } from "../../tables/cell-text.js";
import type { Batch, Cell } from "../../tables/table.js";
import { Hasher } from "../hasher.js";
import { RecentRows } from "./recent-rows.js";
import type { KindOf, RowChanges } from "./row-changes.js";
import { type Side, WaitingRows } from "./waiting-rows.js";

/**
 * Matches the rows of two tables by their first cells, which are the keys. Batches of both come in any order; rows of one key
 * are matched in the order of each table. Only rows without a match are kept, as hashes.
 */
export class RowJoin {
  readonly rows: [number, number] = [0, 0];
  readonly isEnded: [boolean, boolean] = [false, false];
  changed = 0;
  /** Rows, in both tables, whose key was in their table before. */
  repeated = 0;
  /** Rows, in both tables, whose key is empty. */
  empty = 0;
  /** Pairs whose rows have different numbers. */
  moved = 0;
  readonly #waiting: WaitingRows;
  readonly #common: number;
  readonly #changes: RowChanges;
  readonly #kindOf: KindOf;
  readonly #recent: readonly [RecentRows, RecentRows];
  /** Rows that did not wait, because the other table had ended. */
  readonly #left: [number, number] = [0, 0];
  readonly #hasher = new Hasher();

  /** @param common number of cells after the key that are compared */
  constructor(common: number, changes: RowChanges, kindOf: KindOf, waiting = new WaitingRows()) {
    this.#common = common;
    this.#changes = changes;
    this.#kindOf = kindOf;
    this.#waiting = waiting;
    const recent = (side: Side) => new RecentRows(changes.most, (row) => changes.keep(side, row));
    this.#recent = [recent(0), recent(1)];
  }

  /** `repeated` is a lower bound. */
  get hasForgotten(): boolean {
    return this.#waiting.hasForgotten;
  }

  /** Rows that have no match, and get none: all of them once both tables have ended. */
  unmatched(side: Side): number {
    return this.#left[side] + (this.isEnded[other(side)] ? this.#waiting.counts[side] : 0);
  }

  /** Rows that have no match so far. */
  get waiting(): number {
    return this.#waiting.counts[0] + this.#waiting.counts[1];
  }

  /** The table to read on: of those that have not ended, the one of which fewer rows were added. */
  get next(): Side | undefined {
    if (this.isEnded[0]) return this.isEnded[1] ? undefined : 1;
    return !this.isEnded[1] && this.rows[1] < this.rows[0] ? 1 : 0;
  }

  /** A table has no more rows. Rows of the other one that wait get no match. */
  endTable(side: Side): undefined {
    this.isEnded[side] = true;
    const left = this.#waiting.left(other(side)).subarray(0, this.#changes.most);
    for (const number of left) this.#addUnmatched(other(side), number);
  }

  begin(side: Side, batch: Batch): void {
    this.#recent[side].begin(batch);
  }

  /** Adds the next row of the batch. Returns false if too many rows wait. */
  add(side: Side, row: readonly Cell[], number: number): boolean {
    const key = cellText(row[0] ?? null);
    const mayWait = !this.isEnded[other(side)];
    this.#hasher.addText(key);
    const hash = this.#hasher.take();
    const content = this.#contentOf(side, row);
    const added = this.#waiting.add(side, hash, { number, content }, mayWait);
    if (added === undefined) return false;
    this.rows[side]++;
    if (key === "") this.empty++;
    else if (added.isRepeated) this.repeated++;
    if (added.match !== undefined) this.#match(side, number, added.match.number, content !== added.match.content);
    else if (!mayWait) {
      this.#left[side]++;
      this.#addUnmatched(side, number);
      this.#recent[side].forget(number);
    }
    return true;
  }

  #match(side: Side, number: number, matched: number, isChanged: boolean): void {
    if (number !== matched) this.moved++;
    if (isChanged) {
      this.changed++;
      const numbers = side === 0 ? ([number, matched] as const) : ([matched, number] as const);
      this.#changes.add(numbers, (of, at) => this.#recent[of].rowOf(at));
    }
    this.#recent[side].forget(number);
    this.#recent[other(side)].forget(matched);
  }

  #addUnmatched(side: Side, number: number): void {
    const numbers = side === 0 ? ([number, undefined] as const) : ([undefined, number] as const);
    this.#changes.add(numbers, (of, at) => this.#recent[of].rowOf(at));
  }

  /** The key is matched by its text, so its kind is part of the content. */
  #contentOf(side: Side, row: readonly Cell[]): number {
    this.#hasher.addText(this.#kindOf(side, row[0] ?? null, 0));
    for (let at = 1; at <= this.#common; at++) {
      this.#hasher.addText(this.#kindOf(side, row[at] ?? null, at));
      this.#hasher.addText(cellText(row[at] ?? null));
      this.#hasher.addBorder();
    }
    return this.#hasher.take() >>> 0;
  }
}

function other(side: Side): Side {
  return side === 0 ? 1 : 0;
}
