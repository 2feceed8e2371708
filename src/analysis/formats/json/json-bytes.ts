/** The bytes that JSON is made of. */
export const quote = 0x22;
export const backslash = 0x5c;
export const comma = 0x2c;
export const colon = 0x3a;
export const openArray = 0x5b;
export const closeArray = 0x5d;
export const openObject = 0x7b;
export const closeObject = 0x7d;

/** RFC 8259, section 2. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Whether the byte can be part of a number or a literal. */
export function isTokenByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || // digits
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2d || // -
    byte === 0x2e || // .
    byte === 0x2b // +
  );
}

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Python's json module writes the last three. */
const literals = new Set(["true", "false", "null", "NaN", "Infinity", "-Infinity"]);

/** Whether these bytes are a number or a literal. */
export function isToken(bytes: Uint8Array, start: number, end: number): boolean {
  if (isDigits(bytes, start, end)) return true;
  const text = String.fromCharCode(...bytes.subarray(start, end));
  return number.test(text) || literals.has(text);
}

/** The usual case, without making a text: digits with at most one point between them. */
function isDigits(bytes: Uint8Array, start: number, end: number): boolean {
  let points = 0;
  const first = bytes[start] === 0x2d ? start + 1 : start;
  if (bytes[first] === 0x30 && end - first > 1 && bytes[first + 1] !== 0x2e) return false;
  for (let at = first; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0x2e && at > first && at + 1 < end) points += 1;
    else if (byte < 0x30 || byte > 0x39) return false;
  }
  return points <= 1 && end > first;
}
