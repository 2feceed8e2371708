const minus = 0x2d;
const underscore = 0x5f;
const equals = 0x3d;
/** What is decoded at once: short enough that its text costs no memory that is new to the process. */
const stepBytes = 48 * 1024;

/** How many bytes base64 of this length is, if it is base64. */
export function decodedLength(base64: Uint8Array): number {
  const padding = base64.at(-1) !== equals ? 0 : base64.at(-2) !== equals ? 1 : 2;
  return Math.max(0, Math.floor(base64.length / 4) * 3 - padding);
}

/**
 * Decodes RFC 4648, section 4: the standard alphabet, padded, without white space, the bits of no byte zero.
 *
 * @param base64 ASCII
 * @param target of `decodedLength` or more
 * @returns the part of `target` that was filled; undefined where it is no such base64
 */
export function decodeBase64(base64: Buffer, target: Buffer): Buffer | undefined {
  if (base64.length % 4 !== 0) return undefined;
  // Node's decoder passes over what it does not know, so the length tells: much faster than to look at each character.
  let length = 0;
  for (let at = 0; at < base64.length; at += stepBytes) {
    const step = base64.subarray(at, at + stepBytes);
    if (step.includes(minus) || step.includes(underscore)) return undefined; // another alphabet, which it knows too
    length += target.write(step.toString("latin1"), length, "base64");
  }
  if (length !== decodedLength(base64)) return undefined;
  const tail = base64.toString("latin1", Math.max(0, base64.length - 4));
  return Buffer.from(tail, "base64").toString("base64") === tail ? target.subarray(0, length) : undefined;
}
