/** Bytes of UTF-8, without line ends inside a character. */
export type LinePiece =
  /** Whole lines. Only the last line of the content may lack its line end. */
  | { readonly kind: "lines"; readonly bytes: Buffer }
  /** A part of a line that is too long. The last part includes the line end, if there is one. */
  | { readonly kind: "part"; readonly bytes: Buffer; readonly isFirst: boolean; readonly isLast: boolean };

/** A longer line comes in parts: 1 MiB and a line end, in bytes. */
export const longLineBytes = 1024 * 1024 + 2;

const feed = 0x0a;

/** Divides blocks of a text at its line ends. */
export class LinePieces {
  /** The beginning of a line, in the order of its blocks. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #isInLongLine = false;

  *push(block: Buffer): Generator<LinePiece, void, undefined> {
    let left = block;
    if (this.#isInLongLine) {
      const end = left.indexOf(feed) + 1;
      yield { kind: "part", bytes: end === 0 ? left : left.subarray(0, end), isFirst: false, isLast: end > 0 };
      if (end === 0) return;
      this.#isInLongLine = false;
      left = left.subarray(end);
    }
    const end = left.lastIndexOf(feed) + 1;
    if (end > 0) {
      yield* this.#lines(left.subarray(0, end));
      left = left.subarray(end);
    }
    this.#keep(left);
    if (this.#restBytes > longLineBytes) {
      this.#isInLongLine = true;
      yield { kind: "part", bytes: this.#takeRest(), isFirst: true, isLast: false };
    }
  }

  /** The rest, after the last block. */
  *end(): Generator<LinePiece, void, undefined> {
    if (this.#isInLongLine) yield { kind: "part", bytes: Buffer.alloc(0), isFirst: false, isLast: true };
    else if (this.#restBytes > 0) yield { kind: "lines", bytes: this.#takeRest() };
  }

  /** Only the first line of a block can be too long together with the rest. */
  *#lines(lines: Buffer): Generator<LinePiece, void, undefined> {
    const end = lines.indexOf(feed) + 1;
    if (this.#restBytes + end > longLineBytes) {
      this.#keep(lines.subarray(0, end));
      yield { kind: "part", bytes: this.#takeRest(), isFirst: true, isLast: true };
      if (end < lines.length) yield { kind: "lines", bytes: lines.subarray(end) };
      return;
    }
    this.#keep(lines);
    yield { kind: "lines", bytes: this.#takeRest() };
  }

  #keep(bytes: Buffer): void {
    if (bytes.length > 0) this.#rest.push(bytes);
    this.#restBytes += bytes.length;
  }

  #takeRest(): Buffer {
    const [only] = this.#rest;
    const bytes = this.#rest.length === 1 && only !== undefined ? only : Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    return bytes;
  }
}
