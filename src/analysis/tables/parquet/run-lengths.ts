import { Unreadable } from "../unreadable.js";

/**
 * Reads values of Parquet's hybrid of run lengths and bit packing, a few at a time.
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
export class RunLengths {
  readonly #bytes: Uint8Array;
  readonly #width: number;
  #at: number;
  /** Values that are left of the current run. */
  #left = 0;
  /** The value of a run length; undefined while values are packed. */
  #value: number | undefined;
  /** The bit of the next packed value. */
  #bit = 0;

  /** @param width bits of a value, 0 to 32. With 0 all values are 0, and no bytes are read */
  constructor(bytes: Uint8Array, start: number, width: number) {
    if (width > 32) throw new Unreadable(`Values cannot have ${width} bits.`);
    this.#bytes = bytes;
    this.#at = start;
    this.#width = width;
  }

  /** @throws Unreadable if there are fewer values */
  take(count: number): Uint32Array {
    const values = new Uint32Array(count);
    if (this.#width === 0) return values;
    for (let filled = 0; filled < count; ) {
      if (this.#left === 0) this.#beginRun();
      const part = Math.min(this.#left, count - filled);
      if (this.#value === undefined) this.#unpack(values, filled, part);
      else values.fill(this.#value, filled, filled + part);
      this.#left -= part;
      filled += part;
    }
    return values;
  }

  #beginRun(): void {
    const head = this.#varint();
    if (head % 2 === 0) {
      this.#left = head / 2;
      this.#value = this.#fixed(Math.ceil(this.#width / 8));
    } else {
      this.#left = ((head - 1) / 2) * 8;
      this.#value = undefined;
      this.#bit = this.#at * 8;
      this.#at += ((head - 1) / 2) * this.#width;
    }
  }

  #unpack(values: Uint32Array, first: number, count: number): void {
    const bytes = this.#bytes;
    const width = this.#width;
    let bit = this.#bit;
    // Writers may leave out the bytes of the values that fill up the last group of eight.
    if (bit + count * width > bytes.length * 8) throw new Unreadable("Packed values break off.");
    const mask = 2 ** width - 1;
    for (let index = first; index < first + count; index++) {
      const at = Math.floor(bit / 8);
      const shift = bit % 8;
      // Beyond the end there are zeros, which belong to no value.
      const low =
        byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
      const high = shift + width > 32 ? byte(bytes, at + 4) * 2 ** (32 - shift) : 0;
      values[index] = ((low >>> shift) | high) & mask;
      bit += width;
    }
    this.#bit = bit;
  }

  #fixed(length: number): number {
    let value = 0;
    for (let index = 0; index < length; index++) value += this.#next() * 2 ** (8 * index);
    return value;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.#next();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    throw new Unreadable("The length of a run has more than 32 bits.");
  }

  #next(): number {
    const next = this.#bytes[this.#at];
    if (next === undefined) throw new Unreadable("Values break off.");
    this.#at += 1;
    return next;
  }
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
