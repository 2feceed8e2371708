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

export type JsonType = "object" | "array" | "string" | "number" | "boolean" | "null";

/** Hears of the values in their order. Levels count from 0, the root. */
export interface JsonListener {
  /** Whether the names of members of an object at this level are told. */
  wantsNames(level: number): boolean;
  /** The name of the member that comes next in the object that is open at this level. */
  name(level: number, name: string): void;
  /** A value begins. */
  begin(level: number, type: JsonType): void;
  /** The object or array that is open at this level ends. */
  end(level: number): void;
}

/** What may come next. */
const expect = { value: 0, valueOrEnd: 1, nameOrEnd: 2, name: 3, colon: 4, commaOrEnd: 5, nothing: 6 } as const;
type Expected = (typeof expect)[keyof typeof expect];

/** Names are kept up to this length. */
const maxNameBytes = 1024;
const maxTokenBytes = 1024;
/** One byte of memory for each level. */
const maxDepth = 16 * 1024 * 1024;

/**
 * Reads JSON in UTF-8 block by block and tells a listener of its values. It keeps no value, so a long text costs no
 * memory. It checks all of the grammar except what stands after a backslash.
 */
export class JsonScanner {
  readonly #listener: JsonListener;
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
  #seen: number;
  #damage: string | undefined;

  /** @param start offset of the first byte in the content */
  constructor(listener: JsonListener, start = 0) {
    this.#listener = listener;
    this.#seen = start;
  }

  /** Where the JSON is wrong. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Returns false if the JSON is wrong; no more blocks are wanted then. */
  write(bytes: Uint8Array): boolean {
    const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
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
    if (this.#in === "token") this.#endToken(Buffer.alloc(0), 0, 0);
    if (this.#expected !== expect.nothing) this.#damage = `The JSON breaks off after ${this.#seen} bytes.`;
  }

  #wrong(at: number): void {
    this.#damage = `The JSON is wrong at byte ${this.#seen + at}.`;
  }

  #structure(block: Buffer, start: number): number {
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
    else this.#listener.begin(this.#depth, type);
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
    this.#listener.end(this.#depth);
    this.#endValue();
    return at + 1;
  }

  #endValue(): void {
    this.#expected = this.#depth === 0 ? expect.nothing : expect.commaOrEnd;
  }

  #text(block: Buffer, start: number): number {
    const at = this.#endOfText(block, start);
    if (at < block.length && block[at] !== quote) this.#wrong(at);
    if (this.#damage !== undefined) return at;
    const isWanted = this.#isName && this.#listener.wantsNames(this.#depth - 1);
    if (at === block.length) {
      if (isWanted) this.#keep(block.subarray(start), maxNameBytes);
      return at;
    }
    if (isWanted) this.#listener.name(this.#depth - 1, this.#nameIn(block, start, at));
    if (this.#isName) this.#expected = expect.colon;
    else this.#endValue();
    this.#isName = false;
    this.#in = "structure";
    return at + 1;
  }

  /** The index of the quote that ends the text, of a byte that no text may have, or the end of the block. */
  #endOfText(block: Buffer, start: number): number {
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

  #token(block: Buffer, start: number): number {
    let at = start;
    while (at < block.length && isTokenByte(block[at] as number)) at += 1;
    if (at === block.length) this.#keep(block.subarray(start), maxTokenBytes);
    else this.#endToken(block, start, at);
    return at;
  }

  #endToken(block: Buffer, start: number, end: number): void {
    const kept = this.#takeKept();
    const bytes = kept === undefined ? block : Buffer.concat([kept, block.subarray(start, end)]);
    const [from, to] = kept === undefined ? [start, end] : [0, bytes.length];
    const isLong = to - from >= maxTokenBytes; // and may be cut, so it is not checked
    if (!isLong && !isToken(bytes, from, to)) this.#wrong(start);
    this.#in = "structure";
    this.#endValue();
  }

  #keep(part: Uint8Array, maxBytes: number): void {
    const kept = this.#kept ?? Buffer.alloc(0);
    this.#kept = Buffer.concat([kept, part.subarray(0, maxBytes - kept.length)]);
  }

  #takeKept(): Buffer | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  #nameIn(block: Buffer, start: number, end: number): string {
    const kept = this.#takeKept();
    const cut = Math.min(end, start + maxNameBytes);
    const text =
      kept === undefined
        ? block.toString("utf8", start, cut)
        : Buffer.concat([kept, block.subarray(start, cut)]).toString("utf8");
    return text.includes("\\") ? unescaped(text) : text;
  }
}

function typeOfToken(first: number): JsonType {
  if (first === 0x74 || first === 0x66) return "boolean";
  return first === 0x6e ? "null" : "number";
}

/** The text as it is, if it is cut inside an escape sequence, or has a wrong one. */
function unescaped(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
