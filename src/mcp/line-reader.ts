import { OversizeLine } from "./oversize-line.js";

export interface LineEvents {
  /** A line without its newline; its bytes are valid until this returns. */
  onLine(line: Buffer): void;
  /** A line that was longer than it may be, once all of it has passed. */
  onOversize(line: OversizeLine): void;
}

const newline = 0x0a;
const nothing = Buffer.alloc(0);

/** Cuts a stream of bytes into lines of at most `maxLineBytes`. Its work is linear however the stream is split. */
export class LineReader {
  readonly #maxLineBytes: number;
  readonly #events: LineEvents;
  /** The first `#heldBytes` of it are the line so far. */
  #held: Buffer = nothing;
  #heldBytes = 0;
  #oversize: OversizeLine | undefined;

  constructor(maxLineBytes: number, events: LineEvents) {
    this.#maxLineBytes = maxLineBytes;
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#take(chunk.subarray(start, end));
      this.#endLine();
      start = end + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
  }

  /** The stream has ended. @returns what no newline had ended, empty where there is none */
  end(): Buffer {
    const rest = this.#held.subarray(0, this.#heldBytes);
    this.#forget();
    if (this.#oversize !== undefined) this.#endLine();
    return rest;
  }

  #take(part: Buffer): void {
    if (this.#oversize === undefined && this.#heldBytes + part.length > this.#maxLineBytes) {
      this.#oversize = new OversizeLine();
      this.#oversize.push(this.#held.subarray(0, this.#heldBytes));
      this.#forget();
    }
    if (this.#oversize === undefined) this.#hold(part);
    else this.#oversize.push(part);
  }

  #hold(part: Buffer): void {
    const bytes = this.#heldBytes + part.length;
    if (this.#heldBytes === 0) {
      this.#held = part; // not copied: most lines come whole
    } else {
      if (bytes > this.#held.length) {
        // Doubled, so that each byte is copied twice or so, whatever the size of the parts.
        const grown = Buffer.allocUnsafe(Math.min(Math.max(bytes, 2 * this.#held.length), this.#maxLineBytes));
        this.#held.copy(grown, 0, 0, this.#heldBytes);
        this.#held = grown;
      }
      part.copy(this.#held, this.#heldBytes);
    }
    this.#heldBytes = bytes;
  }

  #endLine(): void {
    const line = this.#held.subarray(0, this.#heldBytes);
    const oversize = this.#oversize;
    this.#forget();
    this.#oversize = undefined;
    if (oversize === undefined) this.#events.onLine(line);
    else this.#events.onOversize(oversize);
  }

  #forget(): void {
    this.#held = nothing;
    this.#heldBytes = 0;
  }
}
