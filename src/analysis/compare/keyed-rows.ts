/** A row that was added. */
export interface KeyedRow {
  /** Its number in the table. */
  readonly number: number;
  /** The hash of its other cells, 32 bits. */
  readonly content: number;
  /** No row before it in its table has its key. */
  readonly isFirst: boolean;
}

const taken = 1;
const first = 2;

/**
 * Rows by the hashes of their keys. Rows of one key are taken in the order in which they were added. Above `maxRows` it
 * keeps only every second key, and so on: all rows of a key, or none.
 */
export class KeyedRows {
  /** One of so many keys is kept. */
  every = 1;
  readonly #maxRows: number;
  #rows = 0;
  #keys = new Float64Array(1024);
  #contents = new Uint32Array(1024);
  #numbers = new Uint32Array(1024);
  /** Rows of one key are a ring: the next row of the last one is the first one that is not taken. */
  #next = new Int32Array(1024);
  #flags = new Uint8Array(1024);
  /** The last row of each key. */
  #slots = new Int32Array(2048).fill(-1);

  /** Each row needs 29 bytes, and 8 more while the index grows. */
  constructor(maxRows = 2 ** 20) {
    this.#maxRows = maxRows;
  }

  isKept(key: number): boolean {
    return this.every === 1 || Math.floor(key / 2 ** 32) % this.every === 0;
  }

  /** Returns whether its key is new. Rows whose key is not kept are ignored, and count as new. */
  add(key: number, content: number, number: number): boolean {
    return this.#add(key, content, number, 0);
  }

  /** Adds a row that cannot be taken, so that rows with its key are not new. */
  addTaken(key: number): void {
    this.#add(key, 0, 0, taken);
  }

  /**
   * The next row with a key that was not taken before.
   *
   * @returns `used` if all were taken, undefined if there is none
   */
  take(key: number): KeyedRow | "used" | undefined {
    const slot = this.#slotOf(key);
    const last = this.#slots[slot] as number;
    if (last < 0) return undefined;
    const row = this.#next[last] as number;
    const flags = this.#flags[row] as number;
    if ((flags & taken) !== 0) return "used";
    this.#flags[row] = flags | taken;
    if (row !== last) this.#next[last] = this.#next[row] as number;
    return {
      number: this.#numbers[row] as number,
      content: this.#contents[row] as number,
      isFirst: (flags & first) !== 0,
    };
  }

  /** Numbers of the rows that were not taken, in order. */
  *left(): Generator<number, void, undefined> {
    for (let row = 0; row < this.#rows; row++) {
      if (((this.#flags[row] as number) & taken) === 0) yield this.#numbers[row] as number;
    }
  }

  #add(key: number, content: number, number: number, flags: number): boolean {
    if (!this.isKept(key)) return true;
    if (this.#rows === this.#keys.length || this.#rows === this.#maxRows) this.#makeRoom();
    if (!this.isKept(key)) return true;
    const row = this.#rows++;
    this.#keys[row] = key;
    this.#contents[row] = content;
    this.#numbers[row] = number;
    this.#flags[row] = flags;
    return this.#link(row);
  }

  /** Adds a row to the ring of its key. */
  #link(row: number): boolean {
    const slot = this.#slotOf(this.#keys[row] as number);
    const last = this.#slots[slot] as number;
    this.#slots[slot] = row;
    this.#next[row] = last < 0 ? row : (this.#next[last] as number);
    if (last < 0) this.#flags[row] = (this.#flags[row] as number) | first;
    else this.#next[last] = row;
    return last < 0;
  }

  #slotOf(key: number): number {
    const mask = this.#slots.length - 1;
    let slot = key & mask;
    for (
      let row = this.#slots[slot] as number;
      row >= 0 && this.#keys[row] !== key;
      row = this.#slots[slot] as number
    ) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #makeRoom(): void {
    if (this.#rows < this.#maxRows) this.#grow(Math.min(this.#maxRows, 2 * this.#keys.length));
    else this.#dropHalf();
  }

  #grow(rows: number): void {
    this.#keys = copied(new Float64Array(rows), this.#keys);
    this.#contents = copied(new Uint32Array(rows), this.#contents);
    this.#numbers = copied(new Uint32Array(rows), this.#numbers);
    this.#next = copied(new Int32Array(rows), this.#next);
    this.#flags = copied(new Uint8Array(rows), this.#flags);
    const lasts = this.#slots;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(rows) + 0.5));
    this.#fillSlots(lasts);
  }

  /** May leave all rows, if they have one key: then `every` is doubled again. */
  #dropHalf(): void {
    while (this.#rows === this.#maxRows) {
      this.every *= 2;
      this.#compact();
    }
  }

  #compact(): void {
    const places = new Int32Array(this.#rows).fill(-1);
    let kept = 0;
    for (let row = 0; row < this.#rows; row++) {
      if (this.isKept(this.#keys[row] as number)) places[row] = kept++;
    }
    const lasts = this.#slots.map((row) => (row < 0 ? -1 : (places[row] as number)));
    for (let row = 0; row < this.#rows; row++) {
      const place = places[row] as number;
      if (place < 0) continue;
      this.#keys[place] = this.#keys[row] as number;
      this.#contents[place] = this.#contents[row] as number;
      this.#numbers[place] = this.#numbers[row] as number;
      this.#next[place] = places[this.#next[row] as number] as number;
      this.#flags[place] = this.#flags[row] as number;
    }
    this.#rows = kept;
    this.#fillSlots(lasts);
  }

  #fillSlots(lasts: Int32Array): void {
    this.#slots.fill(-1);
    for (const row of lasts) {
      if (row >= 0) this.#slots[this.#slotOf(this.#keys[row] as number)] = row;
    }
  }
}

function copied<Numbers extends { set(from: Numbers): void }>(into: Numbers, from: Numbers): Numbers {
  into.set(from);
  return into;
}
