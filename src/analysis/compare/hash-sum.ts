/** A digest of a list of hashes. */
export class HashSum {
  #low = 0;
  #high = 0;
  #ordered = 0;

  add(hash: number): void {
    this.#low = (this.#low + (hash >>> 0)) >>> 0;
    this.#high = (this.#high + Math.floor(hash / 2 ** 32)) >>> 0;
    this.#ordered = (Math.imul(this.#ordered, 31) + (hash | 0)) | 0;
  }

  /** They have the same hashes, in any order. */
  hasSame(other: HashSum): boolean {
    return this.#low === other.#low && this.#high === other.#high;
  }

  hasSameOrder(other: HashSum): boolean {
    return this.#ordered === other.#ordered;
  }
}
