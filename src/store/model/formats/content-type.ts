/** Bytes from the start of a content that are enough to tell its type. */
export const typeWindowBytes = 4_096;

/** The first bytes of formats, as hex. A dot stands for any digit. */
const beginnings: readonly (readonly [mimeType: string, begins: RegExp])[] = [
  ["image/png", /^89504e470d0a1a0a/],
  ["image/jpeg", /^ffd8ff/],
  ["image/gif", /^47494638/], // GIF8
  ["image/webp", /^52494646.{8}57454250/], // RIFF, its length, WEBP
  ["application/pdf", /^255044462d/], // %PDF-
  ["application/zip", /^504b(?:0304|0506)/], // PK
  ["application/gzip", /^1f8b08/],
  ["application/vnd.apache.parquet", /^50415231/], // PAR1
];

/** A control character that text does not have: all but tab, line feed, form feed and carriage return. */
const control = /[^\P{Cc}\t\n\f\r]/u;

/**
 * The media type that the first bytes of a content show: that of a known format, or `text/plain` for UTF-8 without
 * control characters. Undefined if they show none. For content whose name tells no type.
 *
 * @param start the first `typeWindowBytes` bytes, or all if there are fewer
 */
export function typeOfContent(start: Uint8Array): string | undefined {
  if (start.length === 0) return undefined;
  const bytes = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, typeWindowBytes));
  const head = bytes.toString("hex", 0, 16);
  const format = beginnings.find(([, begins]) => begins.test(head));
  if (format !== undefined) return format[0];
  return isText(bytes) ? "text/plain" : undefined;
}

function isText(bytes: Uint8Array): boolean {
  try {
    // The window may end inside a character.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: bytes.length === typeWindowBytes });
    return !control.test(text);
  } catch {
    return false;
  }
}
