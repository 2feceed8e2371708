const minus = 0x2d;
const underscore = 0x5f;
const equals = 0x3d;
/** How many bytes are decoded in one step. A longer text would need memory that is new to the process, which is slow. */
const stepBytes = 48 * 1024;

/** Returns the length of the content in bytes, provided that the text is valid base64. */
export function decodedLength(base64: Uint8Array): number {
  const padding = base64.at(-1) !== equals ? 0 : base64.at(-2) !== equals ? 1 : 2;
  return Math.max(0, Math.floor(base64.length / 4) * 3 - padding);
}

/**
 * Decodes base64 of RFC 4648, section 4: standard alphabet, padded, no white space, unused bits zero.
 *
 * @returns undefined if the text is not such base64
 */
export function decodeBase64(text: string): Buffer | undefined {
  const base64 = Buffer.from(text, "utf8");
  if (base64.length !== text.length) return undefined; // not ASCII
  return decodeBase64Into(base64, Buffer.allocUnsafe(decodedLength(base64)));
}

/**
 * Decodes like `decodeBase64`, into memory of the caller.
 *
 * @param base64 ASCII
 * @param target at least `decodedLength(base64)` bytes long
 * @returns the part of `target` that was filled; undefined if the text is not such base64
 */
export function decodeBase64Into(base64: Buffer, target: Buffer): Buffer | undefined {
  if (base64.length % 4 !== 0) return undefined;
  // Node's decoder skips characters that it does not know. Comparing lengths finds them, faster than looking at each.
  let length = 0;
  for (let at = 0; at < base64.length; at += stepBytes) {
    const step = base64.subarray(at, at + stepBytes);
    if (step.includes(minus) || step.includes(underscore)) return undefined; // base64url, which Node decodes as well
    length += target.write(step.toString("latin1"), length, "base64");
  }
  if (length !== decodedLength(base64)) return undefined;
  const tail = base64.toString("latin1", Math.max(0, base64.length - 4));
  return Buffer.from(tail, "base64").toString("base64") === tail ? target.subarray(0, length) : undefined;
}
