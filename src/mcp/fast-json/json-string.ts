/**
 * Reads and writes JSON strings as UTF-8, four bytes at a time. Four bytes are one word. A few operations on the word
 * set the highest bit of each byte that needs an escape: the byte is marked. The bytes before the first marked one are
 * copied unchanged.
 *
 *     (word - 0x20202020) & ~word & 0x80808080    marks each byte below 0x20
 *     (word - 0x01010101) & ~word & 0x80808080    marks each zero byte; on word ^ 0xbbbbbbbb it marks each byte 0xbb
 *
 * The lowest mark is always right. Marks above it may be wrong. The loops repeat these operations instead of calling a
 * function: calls cross modules of the bundle and take three times as long.
 */

const quoteMark = 0x22;
const backslash = 0x5c;
const quoteMarks = 0x22222222;
const backslashes = 0x5c5c5c5c;
const wordBytes = 4;
const highestBits = 0x80808080;

/** Returns the number of bytes before the first marked one. Words are little-endian. */
function bytesBeforeMark(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >> 3;
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array): DataView => new DataView(buffer, byteOffset, length);

/** The letter of a byte's short escape (n for a line feed), by byte. 0 if the byte has none. */
const escapeLetters = new Uint8Array(256);
/** The byte that a short escape stands for, by letter. 0 if there is no such escape. */
const escapedBytes = new Uint8Array(256);
for (const byte of Buffer.from('\b\f\n\r\t"\\')) {
  const letter = JSON.stringify(String.fromCharCode(byte)).charCodeAt(2);
  escapeLetters[byte] = letter;
  escapedBytes[letter] = byte;
}
escapedBytes[0x2f] = 0x2f; // JSON allows \/ for a slash

const hexDigits = Buffer.from("0123456789abcdef");
/** The longest escape of one byte: \u001f. */
export const maxEscapeBytes = 6;

/** Writes one byte, escaped if necessary. Returns the index in `target` for the next one. */
function escapeByte(byte: number, target: Uint8Array, at: number): number {
  if (byte >= 0x20 && byte !== quoteMark && byte !== backslash) {
    target[at] = byte;
    return at + 1;
  }
  target[at] = backslash;
  const letter = escapeLetters[byte] as number;
  if (letter !== 0) {
    target[at + 1] = letter;
    return at + 2;
  }
  target.set([0x75, 0x30, 0x30, hexDigits[byte >> 4] as number, hexDigits[byte & 15] as number], at + 1);
  return at + maxEscapeBytes;
}

/**
 * Writes text to the start of `target`, with the escapes of `JSON.stringify` and without quotation marks. Stops at the
 * end of the text, or where `target` may lack room for one more escape.
 *
 * @param text UTF-8; may begin or end inside a character
 * @returns how many bytes were read and written
 */
export function escapeInto(text: Uint8Array, target: Buffer): { read: number; written: number } {
  const from = viewOf(text);
  const to = viewOf(target);
  const lastWord = text.length - wordBytes;
  const room = target.length - wordBytes - maxEscapeBytes;
  let read = 0;
  let written = 0;
  while (read <= lastWord && written <= room) {
    const word = from.getInt32(read, true);
    const q = word ^ quoteMarks;
    const b = word ^ backslashes;
    const marks = (((word - 0x20202020) & ~word) | ((q - 0x01010101) & ~q) | ((b - 0x01010101) & ~b)) & highestBits;
    to.setInt32(written, word, true);
    if (marks === 0) {
      read += wordBytes;
      written += wordBytes;
    } else {
      const plain = bytesBeforeMark(marks);
      written = escapeByte(text[read + plain] as number, target, written + plain);
      read += plain + 1;
    }
  }
  while (read < text.length && written <= target.length - maxEscapeBytes) {
    written = escapeByte(text[read++] as number, target, written);
  }
  return { read, written };
}

/**
 * Writes the text that a JSON string stands for to `target`, as UTF-8.
 *
 * @param literal the whole string in UTF-8, without its quotation marks
 * @param target at least as long as the literal
 * @returns the part of `target` that was filled; undefined if the string has an escape like \u00e9, or is not valid JSON
 */
export function unescapeInto(literal: Buffer, target: Buffer): Buffer | undefined {
  if (literal.includes(backslash)) return unescapeWords(literal, target);
  return hasControlCharacter(literal) ? undefined : target.subarray(0, literal.copy(target));
}

function unescapeWords(literal: Buffer, target: Buffer): Buffer | undefined {
  const from = viewOf(literal);
  const to = viewOf(target);
  const lastWord = literal.length - wordBytes;
  let read = 0;
  let written = 0;
  while (read <= lastWord) {
    const word = from.getInt32(read, true);
    const b = word ^ backslashes;
    const marks = (((word - 0x20202020) & ~word) | ((b - 0x01010101) & ~b)) & highestBits;
    to.setInt32(written, word, true);
    if (marks === 0) {
      read += wordBytes;
      written += wordBytes;
    } else {
      const plain = bytesBeforeMark(marks);
      const byte = unescaped(literal, read + plain);
      if (byte === 0) return undefined;
      target[written + plain] = byte;
      read += plain + 2;
      written += plain + 1;
    }
  }
  while (read < literal.length) {
    const isPlain = literal[read] !== backslash && (literal[read] as number) >= 0x20;
    const byte = isPlain ? (literal[read] as number) : unescaped(literal, read);
    if (byte === 0) return undefined;
    target[written++] = byte;
    read += isPlain ? 1 : 2;
  }
  return target.subarray(0, written);
}

/** Returns the byte that the short escape at `at` stands for. Returns 0 if there is no short escape. */
function unescaped(literal: Buffer, at: number): number {
  return literal[at] === backslash && at + 1 < literal.length ? (escapedBytes[literal[at + 1] as number] as number) : 0;
}

/**
 * Returns the index of the quotation mark that ends a string. Returns -1 if the string does not end.
 *
 * @param start the index after the quotation mark that begins the string
 */
export function endOfString(line: Buffer, start: number): number {
  const from = viewOf(line);
  const lastWord = line.length - wordBytes;
  let at = start;
  while (at <= lastWord) {
    const word = from.getInt32(at, true);
    const q = word ^ quoteMarks;
    const b = word ^ backslashes;
    const marks = (((q - 0x01010101) & ~q) | ((b - 0x01010101) & ~b)) & highestBits;
    if (marks === 0) {
      at += wordBytes;
    } else {
      at += bytesBeforeMark(marks);
      if (line[at] === quoteMark) return at;
      at += 2;
    }
  }
  for (; at < line.length; at += line[at] === backslash ? 2 : 1) {
    if (line[at] === quoteMark) return at;
  }
  return -1;
}

/** Tells whether any byte is below 0x20. */
export function hasControlCharacter(text: Buffer): boolean {
  const from = viewOf(text);
  const lastWord = text.length - wordBytes;
  let marks = 0;
  let at = 0;
  for (; at <= lastWord; at += wordBytes) {
    const word = from.getInt32(at, true);
    marks |= (word - 0x20202020) & ~word;
  }
  for (; at < text.length; at += 1) marks |= (text[at] as number) < 0x20 ? highestBits : 0;
  return (marks & highestBits) !== 0;
}

/** Tells whether the text needs no escape in a JSON string. */
export function needsNoEscape(text: Buffer): boolean {
  return !text.includes(quoteMark) && !text.includes(backslash) && !hasControlCharacter(text);
}
