import type { Cell } from "../table.js";
import { copyOf } from "./extremes.js";

/** Whether values rise or fall from each to the next, as numbers or as texts: then all of them are different. */
export class ValueOrder {
  /** Values that were added. */
  values = 0;
  readonly #numbers = new Strictness<number>();
  readonly #texts = new Strictness<string>();

  get isStrict(): boolean {
    return this.#numbers.isStrict || this.#texts.isStrict;
  }

  /** Adds a value that is not empty. */
  add(value: Exclude<Cell, null>): void {
    this.values += 1;
    if (typeof value === "object" && !(value instanceof Date)) this.#numbers.isStrict = this.#texts.isStrict = false;
    // Numbers that differ have texts that differ, whatever Number() reads.
    if (this.#numbers.isStrict) this.#numbers.add(Number(value));
    if (!this.#texts.isStrict) return;
    if (typeof value === "string") this.#texts.add(value);
    else this.#texts.isStrict = false;
  }

  /** Keeps no text in memory out of which the last value was cut. */
  settle(): void {
    this.#texts.last &&= copyOf(this.#texts.last);
  }
}

class Strictness<Value extends number | string> {
  isStrict = true;
  last: Value | undefined;
  #rises: boolean | undefined;

  add(value: Value): void {
    const { last } = this;
    this.last = value;
    if (last === undefined) {
      this.isStrict = Number.isFinite(value) || typeof value === "string";
      return;
    }
    this.#rises ??= value > last;
    this.isStrict = this.#rises ? value > last : value < last;
  }
}
