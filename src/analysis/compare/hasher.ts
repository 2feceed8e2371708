const two32 = 2 ** 32;
/** Others cannot prepare content whose hashes meet. */
const seeds = [Math.random() * two32, Math.random() * two32] as const;

/** Hashes of 53 bits, for comparing within one process: a thousand million pairs that differ meet once in ten million times. */
export class Hasher {
  #low: number = seeds[0];
  #high: number = seeds[1];

  addBytes(bytes: Uint8Array, from: number, to: number): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      low = Math.imul(low ^ byte, 2654435761);
      high = Math.imul(high ^ byte, 1597334677);
    }
    this.#low = low;
    this.#high = high;
  }

  addText(text: string): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      low = Math.imul(low ^ unit, 2654435761);
      high = Math.imul(high ^ unit, 1597334677);
    }
    this.#low = low;
    this.#high = high;
  }

  /** Divides parts: no text or byte is like it. */
  addBorder(): void {
    this.#low = Math.imul(this.#low ^ 0x10000, 2654435761);
    this.#high = Math.imul(this.#high ^ 0x10000, 1597334677);
  }

  /** The hash of what was added. The next one begins anew. */
  take(): number {
    let low = this.#low;
    let high = this.#high;
    low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
    high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
    this.#low = seeds[0];
    this.#high = seeds[1];
    return two32 * (high & 0x1fffff) + (low >>> 0);
  }
}
