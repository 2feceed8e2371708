import { platform } from "node:os";

/*
 * A name on a disk is bytes, and usually UTF-8. A byte that is no UTF-8 becomes a lone surrogate, U+DC00 plus the byte, as
 * Python's `surrogateescape` does, so that each name is one text and each text leads back to its name.
 */

const escapeStart = 0xdc00;

/** A name as text. */
export function textOfName(name: Uint8Array): string {
  const bytes = Buffer.from(name.buffer, name.byteOffset, name.byteLength);
  const text = bytes.toString();
  if (!text.includes("\ufffd") || Buffer.from(text).equals(bytes)) return text;
  let result = "";
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    result +=
      length === 0 ? String.fromCharCode(escapeStart + (bytes[at] ?? 0)) : bytes.toString("utf8", at, at + length);
    at += Math.max(length, 1);
  }
  return result;
}

/** Bytes of the UTF-8 character at a place; 0 if there is none. */
function characterLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length += 1) {
    const part = bytes.subarray(at, at + length);
    if (Buffer.from(part.toString()).equals(part)) return length;
  }
  return 0;
}

/** A path as the system takes it. */
export function systemPath(path: string): string | Buffer {
  if (platform() === "win32" || path.isWellFormed()) return path;
  const parts = path.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 1 ? Buffer.of(part.charCodeAt(0) - escapeStart) : Buffer.from(part))),
  );
}
