import { decodeText, type TextEncoding } from "./text-format.js";

/** The beginning of a text, and the bytes that it takes. */
export interface TextWithin {
  readonly text: string;
  readonly bytes: number;
}

/**
 * The beginning of a text that has at most so many characters: whole ones, and at least one. It may have up to three
 * fewer than there would be room for.
 *
 * @param content begins with a whole character
 */
export function textWithin(content: Uint8Array, encoding: TextEncoding, chars: number): TextWithin {
  const unitBytes = encoding.startsWith("utf-16") ? 2 : 1;
  let text = "";
  let bytes = 0;
  // No character is shorter than its bytes in units, so each step leaves the page with room for the rest, or fills it.
  for (;;) {
    const end = characterStart(content, encoding, bytes + (chars - text.length) * unitBytes);
    if (end <= bytes) break;
    text += decodeText(content.subarray(bytes, end), encoding);
    bytes = end;
  }
  if (bytes > 0 || content.length === 0) return { text, bytes };
  const end = firstCharacterEnd(content, encoding);
  return { text: decodeText(content.subarray(0, end), encoding), bytes: end };
}

function firstCharacterEnd(content: Uint8Array, encoding: TextEncoding): number {
  for (let end = 1; end < content.length; end += 1) if (characterStart(content, encoding, end) === end) return end;
  return content.length;
}

/** The last place up to `at` at which a character begins, or the end of the content. */
function characterStart(content: Uint8Array, encoding: TextEncoding, at: number): number {
  if (at >= content.length) return content.length;
  switch (encoding) {
    case "latin-1":
      return at;
    case "utf-8":
      return utf8Start(content, at);
    default:
      return utf16Start(content, at - (at % 2), encoding === "utf-16le" ? 1 : 0);
  }
}

/** Bytes that continue no character are characters of their own: a decoder shows each of them as U+FFFD. */
function utf8Start(content: Uint8Array, at: number): number {
  const continues = (byte: number): boolean => ((content[byte] ?? 0) & 0xc0) === 0x80;
  for (let start = at; start > at - 4 && start >= 0; start -= 1) if (!continues(start)) return start;
  return at;
}

function utf16Start(content: Uint8Array, at: number, highByte: number): number {
  const kindAt = (unit: number): number => (content[unit + highByte] ?? 0) & 0xfc;
  const isInsidePair = at >= 2 && kindAt(at) === 0xdc && kindAt(at - 2) === 0xd8;
  return isInsidePair ? at - 2 : at;
}
