import {
  backslash,
  closeArray,
  closeObject,
  colon,
  comma,
  isSpace,
  isToken,
  isTokenByte,
  openArray,
  openObject,
  quote,
} from "./json-bytes.js";
import type { JsonType, ShapeBuilder } from "./shape-builder.js";

/** What may come next. */
const expect = { value: 0, valueOrEnd: 1, nameOrEnd: 2, name: 3, colon: 4, commaOrEnd: 5, nothing: 6 } as const;
type Expected = (typeof expect)[keyof typeof expect];

/** Names are kept up to this length. */
const maxNameBytes = 1024;
const maxTokenBytes = 1024;
/** One byte of memory for each level. */
const maxDepth = 16 * 1024 * 1024;

/**
 * Reads JSON in UTF-8 block by block and tells a builder the values near the root. It keeps no value, so a long text
 * costs no memory. It checks all of the grammar except what stands after a backslash.
 */
export class JsonScanner {
  readonly #builder: ShapeBuilder;
  #expected: Expected = expect.value;
  /** For each open container whether it is an object. */
  #objects = new Uint8Array(64);
  #depth = 0;
  #in: "structure" | "text" | "token" = "structure";
  #isName = false;
  #isEscaped = false;
  /** The part of a name or a token that was in the blocks before, if it is wanted. */
  #kept: Buffer | undefined;
  /** Bytes before the block. */
  #seen = 0;
  #damage: string | undefined;

  constructor(builder: ShapeBuilder) {
    this.#builder = builder;
  }

  /** Where the JSON is wrong. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Returns false if the JSON is wrong; no more blocks are wanted then. */
  write(block: Uint8Array): boolean {
    for (let at = 0; at < block.length && this.#damage === undefined; ) {
      if (this.#in === "text") at = this.#text(block, at);
      else if (this.#in === "token") at = this.#token(block, at);
      else at = this.#structure(block, at);
    }
    this.#seen += block.length;
    return this.#damage === undefined;
  }

  /** All blocks are written. */
  end(): void {
    if (this.#damage !== undefined) return;
    if (this.#in === "token") this.#endToken(new Uint8Array(0), 0, 0);
    if (this.#expected !== expect.nothing) this.#damage = `The JSON breaks off after ${this.#seen} bytes.`;
  }

  #wrong(at: number): void {
    this.#damage = `The JSON is wrong at byte ${this.#seen + at}.`;
  }

  #structure(block: Uint8Array, start: number): number {
    let at = start;
    while (at < block.length && isSpace(block[at] as number)) at += 1;
    if (at === block.length) return at;
    const byte = block[at] as number;
    switch (byte) {
      case comma:
        return this.#comma(at);
      case colon:
        if (this.#expected !== expect.colon) this.#wrong(at);
        this.#expected = expect.value;
        return at + 1;
      case closeArray:
      case closeObject:
        return this.#close(byte, at);
      case quote:
        if (this.#expected === expect.name || this.#expected === expect.nameOrEnd) this.#isName = true;
        else this.#begin("string", at);
        this.#in = "text";
        return at + 1;
      case openArray:
      case openObject:
        return this.#open(byte, at);
      default:
        if (!isTokenByte(byte)) this.#wrong(at);
        else this.#begin(typeOfToken(byte), at);
        this.#in = "token";
        return at;
    }
  }

  #comma(at: number): number {
    if (this.#expected !== expect.commaOrEnd) this.#wrong(at);
    this.#expected = this.#objects[this.#depth - 1] === 1 ? expect.name : expect.value;
    return at + 1;
  }

  #begin(type: JsonType, at: number): void {
    if (this.#expected !== expect.value && this.#expected !== expect.valueOrEnd) this.#wrong(at);
    else this.#builder.begin(this.#depth, type);
  }

  #open(byte: number, at: number): number {
    const isObject = byte === openObject;
    this.#begin(isObject ? "object" : "array", at);
    if (this.#depth === this.#objects.length) this.#grow();
    this.#objects[this.#depth] = isObject ? 1 : 0;
    this.#depth += 1;
    this.#expected = isObject ? expect.nameOrEnd : expect.valueOrEnd;
    return at + 1;
  }

  #grow(): void {
    if (this.#depth >= maxDepth) this.#damage = `The JSON is nested deeper than ${maxDepth} levels.`;
    const grown = new Uint8Array(this.#objects.length * 2);
    grown.set(this.#objects);
    this.#objects = grown;
  }

  #close(byte: number, at: number): number {
    const isObject = byte === closeObject;
    const isOpen = this.#depth > 0 && (this.#objects[this.#depth - 1] === 1) === isObject;
    const isEmpty = this.#expected === (isObject ? expect.nameOrEnd : expect.valueOrEnd);
    if (!isOpen || !(isEmpty || this.#expected === expect.commaOrEnd)) {
      this.#wrong(at);
      return at;
    }
    this.#depth -= 1;
    this.#builder.end(this.#depth);
    this.#endValue();
    return at + 1;
  }

  #endValue(): void {
    this.#expected = this.#depth === 0 ? expect.nothing : expect.commaOrEnd;
  }

  #text(block: Uint8Array, start: number): number {
    const at = this.#endOfText(block, start);
    if (at < block.length && block[at] !== quote) this.#wrong(at);
    if (this.#damage !== undefined) return at;
    const isWanted = this.#isName && this.#builder.wantsNames(this.#depth - 1);
    if (at === block.length) {
      if (isWanted) this.#keep(block.subarray(start), maxNameBytes);
      return at;
    }
    if (isWanted) this.#builder.name(this.#depth - 1, nameOf(this.#whole(block, start, at)));
    if (this.#isName) this.#expected = expect.colon;
    else this.#endValue();
    this.#isName = false;
    this.#in = "structure";
    return at + 1;
  }

  /** The index of the quote that ends the text, of a byte that no text may have, or the end of the block. */
  #endOfText(block: Uint8Array, start: number): number {
    let isEscaped = this.#isEscaped;
    let at = start;
    for (; at < block.length; at += 1) {
      const byte = block[at] as number;
      if (byte < 0x20) break;
      if (isEscaped) isEscaped = false;
      else if (byte === quote) break;
      else if (byte === backslash) isEscaped = true;
    }
    this.#isEscaped = isEscaped;
    return at;
  }

  #token(block: Uint8Array, start: number): number {
    let at = start;
    while (at < block.length && isTokenByte(block[at] as number)) at += 1;
    if (at === block.length) this.#keep(block.subarray(start), maxTokenBytes);
    else this.#endToken(block, start, at);
    return at;
  }

  #endToken(block: Uint8Array, start: number, end: number): void {
    const isPart = this.#kept !== undefined;
    const bytes = this.#whole(block, start, end);
    const isLong = bytes.length >= maxTokenBytes; // and may be cut, so it is not checked
    if (!isLong && !(isPart ? isToken(bytes, 0, bytes.length) : isToken(block, start, end))) this.#wrong(start);
    this.#in = "structure";
    this.#endValue();
  }

  #keep(part: Uint8Array, maxBytes: number): void {
    const kept = this.#kept ?? Buffer.alloc(0);
    this.#kept = Buffer.concat([kept, part.subarray(0, maxBytes - kept.length)]);
  }

  /** What was kept, with the end that is in this block. */
  #whole(block: Uint8Array, start: number, end: number): Buffer {
    const rest = Buffer.from(block.buffer, block.byteOffset + start, end - start);
    const kept = this.#kept;
    this.#kept = undefined;
    return kept === undefined ? rest : Buffer.concat([kept, rest]);
  }
}

function typeOfToken(first: number): JsonType {
  if (first === 0x74 || first === 0x66) return "boolean";
  return first === 0x6e ? "null" : "number";
}

function nameOf(bytes: Buffer): string {
  const text = bytes.toString("utf8", 0, maxNameBytes);
  if (!bytes.includes(backslash)) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text; // cut inside an escape sequence, or a wrong one
  }
}
