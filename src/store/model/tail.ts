/** What an upload ends with, so that a reader who has lost everything else can go on with it. */
export interface Tail {
  /** The last characters that are stored, or the last bytes if `tail_encoding` is there. */
  readonly tail: string;
  /** The stored bytes are no text: `tail` is base64. */
  readonly tail_encoding?: "base64";
  /**
   * Where `tail` ends, in bytes. Only present if the stored bytes end in the middle of a character, and so before
   * `offset`: a writer of text goes on from here, with that whole character. Bytes that are stored already may be sent
   * again.
   */
  readonly tail_ends_at?: number;
}

/** Maximum length of a tail of text, in characters (code points). */
const maxTailChars = 300;
/** Maximum length of another tail, in bytes before base64. */
const maxTailBytes = 48;
const maxBytesPerChar = 4;

/** Bytes of the end of a content from which a tail is made: enough for all characters, and a half one at each end. */
export const tailWindowBytes = maxTailChars * maxBytesPerChar + 2 * (maxBytesPerChar - 1);

/**
 * The tail of a content. Text is well-formed UTF-8 without NUL, as far as the given bytes show. It never begins or ends
 * inside a character. Undefined if there are no bytes.
 *
 * @param end the last bytes of the content: all of them, or at least `tailWindowBytes`
 * @param offset the number of all bytes
 */
export function tailOf(end: Uint8Array, offset: number): Tail | undefined {
  if (end.length === 0) return undefined;
  const begins = end.length < offset ? firstCharacter(end) : 0;
  const half = halfCharacter(end);
  const text = half === end.length ? "" : decode(end.subarray(begins, end.length - half));
  if (text === undefined) {
    return { tail: Buffer.from(end.subarray(-maxTailBytes)).toString("base64"), tail_encoding: "base64" };
  }
  const tail = [...text].slice(-maxTailChars).join("");
  return half === 0 ? { tail } : { tail, tail_ends_at: offset - half };
}

function decode(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Where the first character of UTF-8 begins. The bytes before it are the rest of one that begins earlier. */
function firstCharacter(bytes: Uint8Array): number {
  let at = 0;
  while (at < maxBytesPerChar - 1 && isContinuation(bytes[at])) at += 1;
  return at;
}

/** The number of bytes at the end that begin a character of UTF-8 and lack the rest of it. */
function halfCharacter(bytes: Uint8Array): number {
  for (let length = 1; length < maxBytesPerChar && length <= bytes.length; length += 1) {
    const byte = bytes[bytes.length - length];
    if (isContinuation(byte)) continue;
    return charBytes(byte) > length ? length : 0;
  }
  return 0;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** The length of the character of UTF-8 that begins with this byte; 1 if none does. */
function charBytes(byte = 0): number {
  if (byte >= 0xf0 && byte <= 0xf4) return 4;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  return byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
}
