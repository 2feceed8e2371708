/** Bins of the answer. */
const shownBins = 20;
/** Values that are kept as they are. */
const keptValues = 10_000;
/** Bins when there are more values. */
const fineBins = 2_048;

export interface Histogram {
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
}

/**
 * How numbers are spread between the least and the greatest. Up to 10,000 of them are kept, and the histogram is exact.
 * More are counted in 2,048 bins, whose width is a power of two and doubles when a number lies outside. These bins cover
 * at most four times the range, so a number near the edge of a bin of the histogram may be counted in the one beside
 * it: numbers that lie within a 40th of a bin of the edge.
 */
export class Spread {
  #kept: Float64Array<ArrayBuffer> | undefined = new Float64Array(64);
  #keptLength = 0;
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;
  /** Bin i counts the numbers from `(base + i) * width` to the next bin. */
  #bins = new Float64Array(0);
  #base = 0;
  #width = 1;

  /** Adds a finite number, so many times. */
  add(value: number, count = 1): void {
    if (value < this.#least) this.#least = value;
    if (value > this.#greatest) this.#greatest = value;
    if (this.#kept !== undefined) {
      if (this.#keptLength + count <= keptValues) {
        this.#keep(this.#kept, value, count);
        return;
      }
      this.#goOverToBins(this.#kept.subarray(0, this.#keptLength));
    }
    this.#count(value, count);
  }

  /** Undefined if all numbers are the same, or too far apart to calculate with. */
  histogram(): Histogram | undefined {
    const [from, to] = [this.#least, this.#greatest];
    if (!(to > from) || !Number.isFinite(to - from)) return undefined;
    const counts = new Array<number>(shownBins).fill(0);
    const add = (value: number, count: number) => {
      const bin = Math.max(0, Math.min(shownBins - 1, Math.floor(((value - from) / (to - from)) * shownBins)));
      counts[bin] = (counts[bin] ?? 0) + count;
    };
    if (this.#kept !== undefined) for (const value of this.#kept.subarray(0, this.#keptLength)) add(value, 1);
    else for (const [index, count] of this.#bins.entries()) add((this.#base + index + 0.5) * this.#width, count);
    return { from, to, counts };
  }

  #keep(kept: Float64Array<ArrayBuffer>, value: number, count: number): void {
    const length = this.#keptLength + count;
    let space = kept;
    if (length > kept.length) {
      space = new Float64Array(Math.min(keptValues, Math.max(length, 2 * kept.length)));
      space.set(kept);
      this.#kept = space;
    }
    space.fill(value, this.#keptLength, length);
    this.#keptLength = length;
  }

  #goOverToBins(kept: Float64Array): void {
    this.#kept = undefined;
    const range = Math.min(this.#greatest - this.#least, Number.MAX_VALUE);
    const most = Math.max(Math.abs(this.#least), Math.abs(this.#greatest));
    // The number of a bin must be an integer that a number holds exactly.
    const width = Math.max(range / (fineBins / 2), most * 2 ** -50, 2 ** -1000);
    this.#width = 2 ** Math.ceil(Math.log2(width));
    this.#bins = new Float64Array(fineBins);
    this.#fit();
    for (const value of kept) this.#count(value, 1);
  }

  #count(value: number, count: number): void {
    let bin = Math.floor(value / this.#width) - this.#base;
    if (!(bin >= 0 && bin < fineBins)) {
      this.#fit();
      bin = Math.floor(value / this.#width) - this.#base;
    }
    this.#bins[bin] = (this.#bins[bin] ?? 0) + count;
  }

  /** Widens and moves the bins so that they hold the least and the greatest number, with as much room on both sides. */
  #fit(): void {
    const [old, oldBase] = [this.#bins, this.#base];
    let [scale, least, greatest] = [1, 0, 0];
    for (; ; scale *= 2) {
      least = Math.floor(this.#least / (this.#width * scale));
      greatest = Math.floor(this.#greatest / (this.#width * scale));
      if (greatest - least < fineBins) break;
    }
    this.#width *= scale;
    this.#base = least - Math.floor((fineBins - (greatest - least + 1)) / 2);
    this.#bins = new Float64Array(fineBins);
    for (const [index, count] of old.entries()) {
      if (count === 0) continue;
      const bin = Math.floor((oldBase + index) / scale) - this.#base;
      this.#bins[bin] = (this.#bins[bin] ?? 0) + count;
    }
  }
}
