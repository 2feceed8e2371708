import { isUtf8 } from "node:buffer";
import { BufferPool } from "./buffer-pool.js";

/** What is written at once, of content: short enough that its text costs no memory that is new to the process. */
const stepBytes = 48 * 1024;
/** What a byte takes in JSON. */
const largestEscape = 6;
const pieceBytes = largestEscape * stepBytes;

const pool = new BufferPool();

/**
 * A large string of a message that was written as JSON from its bytes, and never was a string. To whatever else writes
 * JSON it is one.
 */
export class JsonText {
  /** The JSON, without its quotation marks. */
  readonly pieces: readonly Buffer[];
  readonly #buffers: Buffer[];

  private constructor(pieces: readonly Buffer[], buffers: Buffer[]) {
    this.pieces = pieces;
    this.#buffers = buffers;
  }

  /** Undefined where the bytes are no UTF-8. */
  static ofUtf8(bytes: Uint8Array): JsonText | undefined {
    if (!isUtf8(bytes)) return undefined;
    // As Latin-1, each byte is a character: those behind ASCII are written as they are, so what comes out is UTF-8.
    return JsonText.#of(bytes, (step) => JSON.stringify(step.toString("latin1")).slice(1, -1));
  }

  static ofBase64(bytes: Uint8Array): JsonText {
    return JsonText.#of(bytes, (step) => step.toString("base64"));
  }

  static #of({ buffer: memory, byteOffset, length }: Uint8Array, textOf: (step: Buffer) => string): JsonText {
    const bytes = Buffer.from(memory, byteOffset, length);
    const buffers: Buffer[] = [];
    const pieces: Buffer[] = [];
    let filled = 0;
    for (let at = 0; at < bytes.length; at += stepBytes) {
      const text = textOf(bytes.subarray(at, at + stepBytes));
      let buffer = buffers.at(-1);
      if (buffer === undefined || buffer.length - filled < text.length) {
        buffer = pool.take(Math.min(pieceBytes, largestEscape * length));
        buffers.push(buffer);
        filled = 0;
        pieces.push(buffer.subarray(0, 0));
      }
      filled += buffer.write(text, filled, "latin1");
      pieces[pieces.length - 1] = buffer.subarray(0, filled);
    }
    return new JsonText(pieces, buffers);
  }

  /** In bytes. */
  get length(): number {
    return this.pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** The pieces have been written, or nobody wants them: they may become another text's. */
  release(): void {
    for (const buffer of this.#buffers.splice(0)) pool.giveBack(buffer);
  }

  toJSON(): string {
    return JSON.parse(`"${Buffer.concat(this.pieces).toString()}"`);
  }
}
