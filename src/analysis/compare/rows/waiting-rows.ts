/** Which one of two tables: 0 is the one before. */
export type Side = 0 | 1;

export interface WaitingRow {
  /** Its number in its table. */
  readonly number: number;
  /** The hash of its other cells, 32 bits. */
  readonly content: number;
}

export interface AddedRow {
  /** The row of the other table with this key that has waited longest. It waits no more. */
  readonly match: WaitingRow | undefined;
  /** A row before it in its table has its key, as far as keys are remembered. */
  readonly isRepeated: boolean;
}

/** Bits of a row: it waits, and its side. */
const waiting = 1;
const second = 2;
/** Bits of a key, which are kept with its last row: the sides that have had it. */
const seen = [4, 8] as const;
const seenByAny = seen[0] | seen[1];

export interface WaitingRowsLimits {
  /** Rows of both tables that may wait at least. */
  readonly maxWaiting: number;
  /** Keys that are remembered at least, when none of their rows waits. */
  readonly mostRemembered: number;
}

/**
 * Rows of two tables that wait for a row of the other one with the same key. Keys are hashes. Rows of one key are taken in
 * the order in which they were added. It remembers keys whose rows were taken while there is room.
 */
export class WaitingRows {
  /** Keys were forgotten: rows that repeat them are not known. */
  hasForgotten = false;
  /** Waiting rows of each side. */
  readonly counts: [number, number] = [0, 0];
  readonly #limits: WaitingRowsLimits;
  readonly #capacity: number;
  #used = 0;
  #keys = new Float64Array(1024);
  #contents = new Uint32Array(1024);
  #numbers = new Uint32Array(1024);
  /** Waiting rows of one key, all of one side, are a ring: after the last one comes the first one. Free rows are a list. */
  #next = new Int32Array(1024);
  #flags = new Uint8Array(1024);
  #free = -1;
  /** The last row of each key. */
  #slots = new Int32Array(2048).fill(-1);

  /** Each row needs 29 bytes, and 8 more while the index grows. */
  constructor(limits: WaitingRowsLimits = { maxWaiting: 2 ** 20, mostRemembered: 2 ** 18 }) {
    this.#limits = limits;
    this.#capacity = Math.ceil(limits.maxWaiting * 1.125);
  }

  /**
   * Takes a row with this key that waits on the other side. If there is none, this row waits.
   *
   * @param mayWait false if the other table has no more rows
   * @returns undefined if there is no room for it
   */
  add(side: Side, key: number, row: WaitingRow, mayWait: boolean): AddedRow | undefined {
    const last = this.#slots[this.#slotOf(key)] as number;
    if (last < 0) return this.#addKey(side, key, row, mayWait);
    const flags = this.#flags[last] as number;
    const isRepeated = (flags & seen[side]) !== 0;
    this.#flags[last] = flags | seen[side];
    if ((flags & waiting) === 0) {
      if (mayWait) this.#put(last, side, row, flags | seen[side]);
      return { match: undefined, isRepeated };
    }
    if (sideOf(flags) !== side) return { match: this.#take(last), isRepeated };
    if (mayWait && !this.#append(side, key, row)) return undefined;
    return { match: undefined, isRepeated };
  }

  /** Numbers of the rows of a side that wait, in rising order. */
  left(side: Side): Uint32Array {
    const numbers = new Uint32Array(this.counts[side]);
    let found = 0;
    for (let row = 0; row < this.#used; row++) {
      const flags = this.#flags[row] as number;
      if ((flags & waiting) !== 0 && sideOf(flags) === side) numbers[found++] = this.#numbers[row] as number;
    }
    return numbers.sort();
  }

  #addKey(side: Side, key: number, row: WaitingRow, mayWait: boolean): AddedRow | undefined {
    const place = this.#newRow();
    if (place === undefined) {
      this.hasForgotten = true;
      return mayWait ? undefined : { match: undefined, isRepeated: false };
    }
    this.#keys[place] = key;
    this.#flags[place] = seen[side];
    this.#slots[this.#slotOf(key)] = place;
    if (mayWait) this.#put(place, side, row, seen[side]);
    return { match: undefined, isRepeated: false };
  }

  /** Makes a row the only one of its key that waits. */
  #put(place: number, side: Side, { number, content }: WaitingRow, flags: number): void {
    this.#contents[place] = content;
    this.#numbers[place] = number;
    this.#next[place] = place;
    this.#flags[place] = (flags & seenByAny) | waiting | (side === 1 ? second : 0);
    this.counts[side]++;
  }

  /** Adds a row to the ring of its key, as its last one. Returns whether there is room. */
  #append(side: Side, key: number, row: WaitingRow): boolean {
    const place = this.#newRow();
    if (place === undefined) return false;
    const slot = this.#slotOf(key);
    const last = this.#slots[slot] as number;
    this.#keys[place] = key;
    this.#put(place, side, row, this.#flags[last] as number);
    this.#next[place] = this.#next[last] as number;
    this.#next[last] = place;
    this.#slots[slot] = place;
    return true;
  }

  /** Takes the first row of a ring. The last one stays, so that its key is remembered. */
  #take(last: number): WaitingRow {
    const first = this.#next[last] as number;
    const flags = this.#flags[first] as number;
    this.counts[sideOf(flags)]--;
    if (first === last) this.#flags[last] = flags & seenByAny;
    else {
      this.#next[last] = this.#next[first] as number;
      this.#flags[first] = 0;
      this.#next[first] = this.#free;
      this.#free = first;
    }
    return { number: this.#numbers[first] as number, content: this.#contents[first] as number };
  }

  /** A row that is not used; undefined if there is no room. Rows may have other places then. */
  #newRow(): number | undefined {
    if (this.#free < 0 && this.#used === this.#keys.length && !this.#makeRoom()) return undefined;
    const free = this.#free;
    if (free < 0) return this.#used++;
    this.#free = this.#next[free] as number;
    return free;
  }

  #makeRoom(): boolean {
    const all = this.counts[0] + this.counts[1];
    const mayForget = this.#used >= this.#limits.mostRemembered && all <= this.#used / 2;
    if (mayForget || (this.#used === this.#capacity && all < this.#limits.maxWaiting)) this.#forgetKeys();
    else if (this.#used < this.#capacity) this.#grow(Math.min(this.#capacity, 2 * this.#keys.length));
    else return false;
    return true;
  }

  #grow(rows: number): void {
    this.#keys = copied(new Float64Array(rows), this.#keys);
    this.#contents = copied(new Uint32Array(rows), this.#contents);
    this.#numbers = copied(new Uint32Array(rows), this.#numbers);
    this.#next = copied(new Int32Array(rows), this.#next);
    this.#flags = copied(new Uint8Array(rows), this.#flags);
    const lasts = this.#slots;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(rows) + 0.4));
    this.#fillSlots(lasts);
  }

  /** Keeps only the rows that wait. */
  #forgetKeys(): void {
    this.hasForgotten = true;
    const places = new Int32Array(this.#used).fill(-1);
    let kept = 0;
    for (let row = 0; row < this.#used; row++) {
      if (((this.#flags[row] as number) & waiting) !== 0) places[row] = kept++;
    }
    const lasts = this.#slots.map((row) => (row < 0 ? -1 : (places[row] as number)));
    for (let row = 0; row < this.#used; row++) {
      const place = places[row] as number;
      if (place < 0) continue;
      this.#keys[place] = this.#keys[row] as number;
      this.#contents[place] = this.#contents[row] as number;
      this.#numbers[place] = this.#numbers[row] as number;
      this.#next[place] = places[this.#next[row] as number] as number;
      this.#flags[place] = this.#flags[row] as number;
    }
    this.#used = kept;
    this.#free = -1;
    this.#fillSlots(lasts);
  }

  #fillSlots(lasts: Int32Array): void {
    this.#slots.fill(-1);
    for (const row of lasts) {
      if (row >= 0) this.#slots[this.#slotOf(this.#keys[row] as number)] = row;
    }
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
}

function sideOf(flags: number): Side {
  return (flags & second) === 0 ? 0 : 1;
}

function copied<Numbers extends { set(from: Numbers): void }>(into: Numbers, from: Numbers): Numbers {
  into.set(from);
  return into;
}
