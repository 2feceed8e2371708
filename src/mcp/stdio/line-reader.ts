import { OversizeLine } from "./oversize-line.js";

export interface LineEvents {
  /** Called for each line, without its newline. The bytes are valid until the call returns. */
  onLine(line: Buffer): void;
  /** Called at the end of a line that was too long. */
  onOversize(line: OversizeLine): void;
}

const newline = 0x0a;
const nothing = Buffer.alloc(0);
/** The smallest buffer for an incomplete line. */
const minBufferBytes = 4 * 1024;
/** A larger buffer is dropped when lines are much shorter. */
const maxKeptBytes = 256 * 1024;

/** Splits a stream of bytes into lines of at most `maxLineBytes`. The work is linear, whatever the size of the chunks. */
export class LineReader {
  readonly #maxLineBytes: number;
  readonly #events: LineEvents;
  /** Its first `#heldBytes` are the incomplete line. The buffer is reused for the next lines. */
  #buffer: Buffer = nothing;
  #heldBytes = 0;
  #oversize: OversizeLine | undefined;

  constructor(maxLineBytes: number, events: LineEvents) {
    this.#maxLineBytes = maxLineBytes;
    this.#events = events;
  }

  /** The chunk is not used after this returns. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#endLine(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
  }

  /** Call this when the stream has ended. @returns the last line if no newline has ended it, otherwise empty */
  end(): Buffer {
    const rest = this.#heldLine();
    this.#heldBytes = 0;
    this.#endOversize();
    return rest;
  }

  #endLine(part: Buffer): void {
    const isWhole = this.#heldBytes === 0 && this.#oversize === undefined && part.length <= this.#maxLineBytes;
    if (!isWhole) this.#take(part);
    const line = isWhole ? part : this.#heldLine(); // most lines arrive in one chunk and are not copied
    this.#heldBytes = 0;
    if (!this.#endOversize()) this.#events.onLine(line);
    if (this.#buffer.length > Math.max(maxKeptBytes, 4 * line.length)) this.#buffer = nothing;
  }

  /** Reports the line that was too long. @returns whether there was one */
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
      // The size doubles, so each byte is copied about twice, whatever the size of the chunks.
      const size = Math.max(bytes, Math.min(2 * this.#buffer.length, this.#maxLineBytes), minBufferBytes);
      const grown = Buffer.allocUnsafeSlow(size);
      this.#buffer.copy(grown, 0, 0, this.#heldBytes);
      this.#buffer = grown;
    }
    part.copy(this.#buffer, this.#heldBytes);
    this.#heldBytes = bytes;
  }
}
