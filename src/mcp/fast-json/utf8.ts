import { isAscii, isUtf8 } from "node:buffer";

/** How to decode bytes that are UTF-8. Node decodes ASCII several times faster as Latin-1. */
export type Utf8Encoding = "latin1" | "utf8";

/** Returns `latin1` for ASCII, `utf8` for other UTF-8, and undefined for any other bytes. */
export function utf8EncodingOf(bytes: Uint8Array): Utf8Encoding | undefined {
  if (isAscii(bytes)) return "latin1";
  return isUtf8(bytes) ? "utf8" : undefined;
}

/** Returns the text of UTF-8 bytes, with a byte order mark if they have one. Returns undefined if they are not UTF-8. */
export function decodeUtf8({ buffer, byteOffset, length }: Uint8Array): string | undefined {
  const bytes = Buffer.from(buffer, byteOffset, length);
  const encoding = utf8EncodingOf(bytes);
  return encoding && bytes.toString(encoding);
}
