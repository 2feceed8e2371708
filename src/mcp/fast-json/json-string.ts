/**
 * The strings of JSON as bytes of UTF-8, looked at four at a time, as a word: of its bytes at once, a few operations
 * mark those that are not themselves in a string, in their highest bit, and what lies before the first goes as it is.
 *
 *     (word - 0x20202020) & ~word & 0x80808080    marks each byte below 0x20
 *     (word - 0x01010101) & ~word & 0x80808080    marks each zero, and so each b in word ^ 0xbbbbbbbb
 *
 * A byte above a marked one may be marked wrongly, the first never. The loops have the operations written out: behind
 * calls, which cross the bundle's modules, they take three times as long.
 */

const quoteMark = 0x22;
const backslash = 0x5c;
const quoteMarks = 0x22222222;
const backslashes = 0x5c5c5c5c;
const wordBytes = 4;
const highestBits = 0x80808080;

/** How many bytes lie before the first one that is marked; a word is little-endian. */
function bytesBefore(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >> 3;
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array): DataView => new DataView(buffer, byteOffset, length);

/** The letter that stands for a byte behind a backslash, by the byte, and the reverse; 0 where there is none. */
const letters = new Uint8Array(256);
const meanings = new Uint8Array(256);
for (const byte of Buffer.from('\b\f\n\r\t"\\')) {
  const letter = JSON.stringify(String.fromCharCode(byte)).charCodeAt(2);
  letters[byte] = letter;
  meanings[letter] = byte;
}
meanings[0x2f] = 0x2f; // a slash may have a backslash before it

const hexDigits = Buffer.from("0123456789abcdef");
/** What a byte takes at most. */
export const largestEscape = 6;

/** Writes one byte as JSON has it, and says where the next one goes. */
function escapeByte(byte: number, target: Uint8Array, at: number): number {
  if (byte >= 0x20 && byte !== quoteMark && byte !== backslash) {
    target[at] = byte;
    return at + 1;
  }
  target[at] = backslash;
  const letter = letters[byte] as number;
  if (letter !== 0) {
    target[at + 1] = letter;
    return at + 2;
  }
  target.set([0x75, 0x30, 0x30, hexDigits[byte >> 4] as number, hexDigits[byte & 15] as number], at + 1);
  return at + largestEscape;
}

/**
 * Writes text as it stands in a string of JSON, as `JSON.stringify` has it, from `target`'s start on, until all is
 * written or the next escape might find no room.
 *
 * @param text UTF-8, or a part of it that begins and ends anywhere
 * @returns in bytes
 */
export function escapeInto(text: Uint8Array, target: Buffer): { read: number; written: number } {
  const from = viewOf(text);
  const to = viewOf(target);
  const lastWord = text.length - wordBytes;
  const room = target.length - wordBytes - largestEscape;
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
      const plain = bytesBefore(marks);
      written = escapeByte(text[read + plain] as number, target, written + plain);
      read += plain + 1;
    }
  }
  while (read < text.length && written <= target.length - largestEscape) {
    written = escapeByte(text[read++] as number, target, written);
  }
  return { read, written };
}

/**
 * The UTF-8 that a string of JSON stands for.
 *
 * @param literal UTF-8, without its quotation marks, ending where the string ends
 * @param target of the literal's length or more
 * @returns the part of `target` that was filled; undefined where it has escapes that tell a character by its number,
 * or is no string of JSON
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
      const plain = bytesBefore(marks);
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

/** The byte that an escape at `at` stands for; 0 where there is none, or none that a letter tells. */
function unescaped(literal: Buffer, at: number): number {
  return literal[at] === backslash && at + 1 < literal.length ? (meanings[literal[at + 1] as number] as number) : 0;
}

/** Where the string ends that begins at `start`, behind its quotation mark; -1 where it does not. */
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
      at += bytesBefore(marks);
      if (line[at] === quoteMark) return at;
      at += 2;
    }
  }
  for (; at < line.length; at += line[at] === backslash ? 2 : 1) {
    if (line[at] === quoteMark) return at;
  }
  return -1;
}

/** Whether any byte is below 0x20. */
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

/** Whether it stands in a string of JSON as it is. */
export function isPlain(text: Buffer): boolean {
  return !text.includes(quoteMark) && !text.includes(backslash) && !hasControlCharacter(text);
}
