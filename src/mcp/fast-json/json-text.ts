import { isUtf8 } from "node:buffer";
import { BufferPool } from "./buffer-pool.js";
import { escapeInto, isPlain, largestEscape } from "./json-string.js";

/** What a piece takes, in bytes. */
const pieceBytes = 256 * 1024;
/** What is written at once as base64: so short that its text costs no memory that is new to the process. */
const stepBytes = 48 * 1024;
const stepBase64Bytes = 64 * 1024;

const pool = new BufferPool();

/** A copy in memory of its own: one of `Buffer.from` would hold all of Node's pool, 64 KiB from Node 24 on. */
function ownBytes(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/**
 * A large string of a message as JSON, most often written from bytes that never were a string. To whatever else writes
 * JSON it is one.
 */
export class JsonText {
  readonly #pieces: Buffer[] = [];
  readonly #buffers: Buffer[] = [];

  static ofString(text: string): JsonText {
    const json = new JsonText();
    if (!text.isWellFormed()) {
      json.#pieces.push(ownBytes(Buffer.from(JSON.stringify(text).slice(1, -1))));
      return json;
    }
    const buffer = pool.take(Buffer.byteLength(text));
    const bytes = buffer.subarray(0, buffer.write(text));
    if (isPlain(bytes)) {
      json.#add(buffer, bytes.length);
    } else {
      json.#write(bytes, escapeInto);
      pool.giveBack(buffer);
    }
    return json;
  }

  /** Undefined where the bytes are no UTF-8. */
  static ofUtf8(bytes: Uint8Array): JsonText | undefined {
    return isUtf8(bytes) ? new JsonText().#write(bytes, escapeInto) : undefined;
  }

  static ofBase64(bytes: Uint8Array): JsonText {
    return new JsonText().#write(bytes, encodeInto);
  }

  #write(bytes: Uint8Array, writeInto: typeof escapeInto): this {
    for (let at = 0; at < bytes.length; ) {
      const buffer = pool.take(Math.min(pieceBytes, largestEscape * (bytes.length - at)));
      const { read, written } = writeInto(bytes.subarray(at), buffer);
      this.#add(buffer, written);
      at += read;
    }
    return this;
  }

  /** What fills less than half of a buffer is copied: an answer that nobody reads holds little more than its length. */
  #add(buffer: Buffer, length: number): void {
    const piece = buffer.subarray(0, length);
    if (length < buffer.length / 2) {
      this.#pieces.push(ownBytes(piece));
      pool.giveBack(buffer);
    } else {
      this.#pieces.push(piece);
      this.#buffers.push(buffer);
    }
  }

  /** The JSON, without its quotation marks. */
  get pieces(): readonly Buffer[] {
    return this.#pieces;
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

/** @param target of `stepBase64Bytes` or more */
function encodeInto({ buffer, byteOffset, length }: Uint8Array, target: Buffer): { read: number; written: number } {
  const bytes = Buffer.from(buffer, byteOffset, length);
  let read = 0;
  let written = 0;
  while (read < length && target.length - written >= stepBase64Bytes) {
    const step = bytes.subarray(read, read + stepBytes);
    written += target.write(step.toString("base64"), written, "latin1");
    read += step.length;
  }
  return { read, written };
}
