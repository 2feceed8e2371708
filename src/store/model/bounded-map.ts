/**
 * A map that forgets. If its values weigh more than `most` together, those that were set first are dropped; to set a value
 * again makes it the last one. A value that alone weighs more is not kept.
 */
export class BoundedMap<Value> {
  readonly #most: number;
  readonly #weightOf: (value: Value) => number;
  readonly #values = new Map<string, Value>();
  #weight = 0;

  /** @param weightOf by default each value weighs 1, so that `most` is their number */
  constructor(most: number, weightOf: (value: Value) => number = () => 1) {
    this.#most = most;
    this.#weightOf = weightOf;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    this.delete(key);
    if (this.#weightOf(value) > this.#most) return;
    this.#values.set(key, value);
    this.#weight += this.#weightOf(value);
    for (const first of this.#values.keys()) {
      if (this.#weight <= this.#most) return;
      this.delete(first);
    }
  }

  delete(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#weight -= this.#weightOf(value);
  }
}
