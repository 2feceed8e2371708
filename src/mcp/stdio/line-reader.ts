import { OversizeLine } from "./oversize-line.js";

export interface LineEvents {
  /** A line without its newline; its bytes are valid until this returns. */
  onLine(line: Buffer): void;
  /** A line that was longer than it may be, once all of it has passed. */
  onOversize(line: OversizeLine): void;
}

const newline = 0x0a;
const nothing = Buffer.alloc(0);
/** In bytes: the smallest buffer for what came of a line, and the largest that is kept for shorter ones. */
const leastBytes = 4 * 1024;
const keptBytes = 256 * 1024;

/** Cuts a stream of bytes into lines of at most `maxLineBytes`. Its work is linear however the stream is split. */
export class LineReader {
  readonly #maxLineBytes: number;
  readonly #events: LineEvents;
  /** The first `#heldBytes` of it are the line so far. It serves one line after the other. */
  #buffer: Buffer = nothing;
  #heldBytes = 0;
  #oversize: OversizeLine | undefined;

  constructor(maxLineBytes: number, events: LineEvents) {
    this.#maxLineBytes = maxLineBytes;
    this.#events = events;
  }

  /** The chunk's bytes are not needed any more once this returns. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#takeLast(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
  }

  /** The stream has ended. @returns what no newline had ended, empty where there is none */
  end(): Buffer {
    const rest = this.#heldLine();
    this.#heldBytes = 0;
    this.#endOversize();
    return rest;
  }

  /** The end of a line. */
  #takeLast(part: Buffer): void {
    const isWhole = this.#heldBytes === 0 && this.#oversize === undefined && part.length <= this.#maxLineBytes;
    if (!isWhole) this.#take(part);
    const line = isWhole ? part : this.#heldLine(); // most lines come whole, and are not copied
    this.#heldBytes = 0;
    if (!this.#endOversize()) this.#events.onLine(line);
    if (this.#buffer.length > Math.max(keptBytes, 4 * line.length)) this.#buffer = nothing;
  }

  /** Whether there was a line that is too long. */
  #endOversize(): boolean {
    const oversize = this.#oversize;
    this.#oversize = undefined;
    if (oversize !== undefined) this.#events.onOversize(oversize);
    return oversize !== undefined;
  }

  #heldLine(): Buffer {
    return this.#buffer.subarray(0, this.#heldBytes);
  }

  #take(part: Buffer): void {
    if (this.#oversize === undefined && this.#heldBytes + part.length > this.#maxLineBytes) {
      this.#oversize = new OversizeLine();
      this.#oversize.push(this.#heldLine());
      this.#heldBytes = 0;
      this.#buffer = nothing;
    }
    if (this.#oversize === undefined) this.#hold(part);
    else this.#oversize.push(part);
  }

  #hold(part: Buffer): void {
    const bytes = this.#heldBytes + part.length;
    if (bytes > this.#buffer.length) {
      // Doubled, so that each byte is copied twice or so, whatever the size of the parts.
      const size = Math.max(bytes, Math.min(2 * this.#buffer.length, this.#maxLineBytes), leastBytes);
      const grown = Buffer.allocUnsafeSlow(size);
      this.#buffer.copy(grown, 0, 0, this.#heldBytes);
      this.#buffer = grown;
    }
    part.copy(this.#buffer, this.#heldBytes);
    this.#heldBytes = bytes;
  }
}
