import type { Run } from "../../source.js";
import { HashSum } from "../hash-sum.js";

/** The hashes of the next lines of a text. They are read when they are needed. */
export class LineQueue {
  /** The number of the next line. */
  next: number;
  /** No line follows those in the queue. */
  hasAll = false;
  /** Of all lines that were read. */
  readonly sum = new HashSum();
  readonly #groups: AsyncGenerator<Float64Array, void, undefined>;
  readonly #run: Run;
  #hashes = new Float64Array(1024);
  #start = 0;
  #end = 0;

  constructor(groups: AsyncGenerator<Float64Array, void, undefined>, firstLine: number, run: Run) {
    this.#groups = groups;
    this.next = firstLine;
    this.#run = run;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** All lines were taken. */
  get isEnd(): boolean {
    return this.hasAll && this.length === 0;
  }

  /** Reads until there are so many lines, or no more, or the time is over. */
  async fill(lines: number): Promise<void> {
    while (this.length < lines && !this.hasAll && !this.#run.isOver()) {
      const { value: group, done } = await this.#groups.next();
      if (group !== undefined) this.#append(group);
      this.hasAll = done === true;
    }
  }

  /** The first lines, at most so many. Valid until the queue is filled. */
  view(lines: number): Float64Array {
    return this.#hashes.subarray(this.#start, Math.min(this.#end, this.#start + lines));
  }

  skip(lines: number): void {
    this.#start += lines;
    this.next += lines;
  }

  async close(): Promise<void> {
    await this.#groups.return();
  }

  #append(group: Float64Array): void {
    if (this.#end + group.length > this.#hashes.length) {
      const needed = this.length + group.length;
      const isRoomy = needed <= this.#hashes.length / 2;
      const hashes = isRoomy ? this.#hashes : new Float64Array(Math.ceil(needed * 1.5));
      hashes.set(this.#hashes.subarray(this.#start, this.#end));
      this.#end -= this.#start;
      this.#start = 0;
      this.#hashes = hashes;
    }
    for (const hash of group) this.sum.add(hash);
    this.#hashes.set(group, this.#end);
    this.#end += group.length;
  }
}
