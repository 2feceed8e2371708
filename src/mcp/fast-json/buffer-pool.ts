/** The smallest buffer, and what sizes are multiples of, in bytes. */
const unit = 64 * 1024;
/** What is kept for later, of all buffers together. */
const mostKeptBytes = 32 * 1024 * 1024;
/** A larger buffer serves for as little as this part of it. */
const leastPart = 1 / 8;

/** Large buffers that are used again: memory that is new to the process costs more than what is done with it. */
export class BufferPool {
  readonly #free: Buffer[] = [];

  /** A buffer of `bytes` or more, with anything in it; nobody else's until it is given back, if it ever is. */
  take(bytes: number): Buffer {
    const largest = Math.max(unit, bytes / leastPart);
    const fitting = this.#free.findIndex(({ length }) => length >= bytes && length <= largest);
    const [buffer] = fitting === -1 ? [] : this.#free.splice(fitting, 1);
    return buffer ?? Buffer.allocUnsafeSlow(Math.max(1, Math.ceil(bytes / unit)) * unit);
  }

  /** To be called once for each that was taken, when nobody reads it any more. */
  giveBack(buffer: Buffer): void {
    this.#free.push(buffer);
    let kept = this.#free.reduce((sum, { length }) => sum + length, 0);
    while (kept > mostKeptBytes) kept -= this.#free.shift()?.length ?? kept;
  }
}
