import { isUtf8 } from "node:buffer";
import type { TextDescription } from "../../ports/description.js";

export type Encoding = TextDescription["encoding"];

export interface FoundEncoding {
  readonly encoding: Encoding;
  readonly bom: boolean;
}

/**
 * The encoding of text by its beginning. Undefined if the bytes are no text.
 *
 * @param isWhole whether the content ends with these bytes; otherwise they may end inside a character
 */
export function encodingOf(head: Uint8Array, isWhole: boolean): FoundEncoding | undefined {
  const [first, second, third] = head;
  if (first === 0xff && second === 0xfe) return utf16("utf-16le", head);
  if (first === 0xfe && second === 0xff) return utf16("utf-16be", head);
  const bom = first === 0xef && second === 0xbb && third === 0xbf;
  const counts = countsOf(head);
  // A log has escape sequences, and now and then another control character: NUL where a disk was full, or a computer stopped.
  const isPlain = counts.controls * 50 <= head.length;
  if (isPlain && (bom || isUtf8(isWhole ? head : wholeCharacters(head)))) {
    return { encoding: "utf-8", bom };
  }
  // Any bytes are Latin-1, so it must look like text of a language with Latin letters.
  const isLatin = counts.controls === 0 && counts.undefinedIn1252 === 0 && counts.high * 3 <= head.length;
  return isLatin ? { encoding: "latin-1", bom: false } : undefined;
}

function utf16(encoding: "utf-16le" | "utf-16be", head: Uint8Array): FoundEncoding | undefined {
  const text = new TextDecoder(encoding).decode(head, { stream: true });
  let strange = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === 0xfffd || unit === 0xffff || unit === 0xfffe || isControl(unit)) strange += 1;
    if (unit === 0) return undefined;
  }
  return strange * 50 <= text.length ? { encoding, bom: true } : undefined;
}

/** A control character that text seldom has: all but BS, TAB, LF, VT, FF, CR and ESC. */
function isControl(byte: number): boolean {
  return byte < 0x20 ? (byte < 0x08 || byte > 0x0d) && byte !== 0x1b : byte === 0x7f;
}

const undefined1252 = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

function countsOf(head: Uint8Array) {
  const counts = { controls: 0, high: 0, undefinedIn1252: 0 };
  for (const byte of head) {
    if (isControl(byte)) counts.controls += 1;
    else if (byte >= 0x80) {
      counts.high += 1;
      if (undefined1252.has(byte)) counts.undefinedIn1252 += 1;
    }
  }
  return counts;
}

/** The bytes without a UTF-8 character at the end that is not complete. */
function wholeCharacters(head: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, head.length); back += 1) {
    const byte = head[head.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? head.subarray(0, head.length - back) : head;
  }
  return head;
}

/** Decodes text in parts. Without bytes it ends the text. */
export type Decoder = (bytes?: Uint8Array) => string;

/** A decoder that removes a byte order mark. */
export function decoderOf(encoding: Encoding): Decoder {
  const decoder = new TextDecoder(decoderName(encoding));
  return (bytes) => (bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true }));
}

/**
 * The name of the encoding for a `TextDecoder`. Text in Latin-1 must be decoded as a stream, which has nothing to cut: as
 * a whole, Node 20 decodes it as ISO 8859-1.
 */
export function decoderName(encoding: Encoding): string {
  return encoding === "latin-1" ? "windows-1252" : encoding;
}
