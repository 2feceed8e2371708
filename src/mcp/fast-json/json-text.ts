import { isUtf8 } from "node:buffer";
import { bufferPool } from "./buffer-pool.js";
import { escapeInto, maxEscapeBytes, needsNoEscape } from "./json-string.js";

/** The size of the buffers that JSON is written to, in bytes. */
const pieceBytes = 256 * 1024;
/** How many bytes are encoded as base64 in one step. A longer text would need memory that is new to the process. */
const stepBytes = 48 * 1024;
const stepBase64Bytes = 64 * 1024;

/** Copies into memory of its own. A small `Buffer.from` keeps Node's whole pool in memory, 64 KiB from Node 24 on. */
function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/**
 * A string that is written as JSON already, straight from bytes. Use it in a message in place of a string:
 * `serializeMessage` writes it without a copy, and `JSON.stringify` writes the same.
 */
export class JsonText {
  readonly #pieces: Buffer[] = [];
  readonly #buffers: Buffer[] = [];

  static ofString(text: string): JsonText {
    const json = new JsonText();
    if (!text.isWellFormed()) {
      json.#pieces.push(ownCopy(Buffer.from(JSON.stringify(text).slice(1, -1))));
      return json;
    }
    const buffer = bufferPool.take(Buffer.byteLength(text));
    const bytes = buffer.subarray(0, buffer.write(text));
    if (needsNoEscape(bytes)) {
      json.#add(buffer, bytes.length);
    } else {
      json.#write(bytes, escapeInto);
      bufferPool.giveBack(buffer);
    }
    return json;
  }

  /** Returns undefined if the bytes are not UTF-8. */
  static ofUtf8(bytes: Uint8Array): JsonText | undefined {
    return isUtf8(bytes) ? new JsonText().#write(bytes, escapeInto) : undefined;
  }

  /** The base64 of any bytes. */
  static ofBase64(bytes: Uint8Array): JsonText {
    return new JsonText().#write(bytes, encodeBase64Into);
  }

  #write(bytes: Uint8Array, writeInto: typeof escapeInto): this {
    for (let at = 0; at < bytes.length; ) {
      const buffer = bufferPool.take(Math.min(pieceBytes, maxEscapeBytes * (bytes.length - at)));
      const { read, written } = writeInto(bytes.subarray(at), buffer);
      this.#add(buffer, written);
      at += read;
    }
    return this;
  }

  /** Copies what fills less than half of its buffer, so that an unread answer holds little more than its length. */
  #add(buffer: Buffer, length: number): void {
    const piece = buffer.subarray(0, length);
    if (length < buffer.length / 2) {
      this.#pieces.push(ownCopy(piece));
      bufferPool.giveBack(buffer);
    } else {
      this.#pieces.push(piece);
      this.#buffers.push(buffer);
    }
  }

  /** The JSON in UTF-8, without its quotation marks. */
  get pieces(): readonly Buffer[] {
    return this.#pieces;
  }

  /** The length of the JSON. */
  get bytes(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** Call this when nobody reads the pieces any more: another text may overwrite them. */
  release(): void {
    for (const buffer of this.#buffers.splice(0)) bufferPool.giveBack(buffer);
  }

  toJSON(): string {
    return JSON.parse(`"${Buffer.concat(this.pieces).toString()}"`);
  }
}

/** @param target at least `stepBase64Bytes` long */
function encodeBase64Into(
  { buffer, byteOffset, length }: Uint8Array,
  target: Buffer,
): { read: number; written: number } {
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
