import { isUtf8 } from "node:buffer";

/** Bytes that `firstInvalidByte` checks at once. */
const blockBytes = 4_096;

export const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** The length of a character in bytes, by its first byte. It is 1 for a byte that begins no character. */
export const charBytes = (lead: number): number => (lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);

/** The start of the character that the byte at `at` continues. Returns `at` if it continues none. */
export function characterStart(content: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && at - start < 3 && isContinuation(content[start])) start -= 1;
  const lead = content[start];
  return lead !== undefined && lead >= 0xc0 && start + charBytes(lead) > at ? start : at;
}

/** The end of the last character that is not cut off. */
export function lastWholeEnd(content: Uint8Array): number {
  const last = Math.max(0, content.length - 1);
  let lead = last;
  while (lead > 0 && last - lead < 3 && isContinuation(content[lead])) lead -= 1;
  const byte = content[lead] ?? 0;
  return byte >= 0xc0 && lead + charBytes(byte) > content.length ? lead : content.length;
}

/** Whether bytes can be read as text. Parts of characters at the two ends do not count. */
export function isTextBetweenEnds(content: Uint8Array): boolean {
  let start = 0;
  while (start < 3 && isContinuation(content[start])) start += 1;
  const whole = content.subarray(start, lastWholeEnd(content));
  return whole.length > 0 && isUtf8(whole) && !whole.includes(0);
}

/** The index of the first byte that does not belong to a UTF-8 character. Returns undefined if all bytes do. */
export function firstInvalidByte(content: Uint8Array): number | undefined {
  let at = 0;
  for (;;) {
    const end = characterStart(content, at + blockBytes);
    if (end > content.length || !isUtf8(content.subarray(at, end))) break;
    at = end;
  }
  while (at < content.length) {
    const end = at + charBytes(content[at] ?? 0);
    if (end > content.length || !isUtf8(content.subarray(at, end))) return at;
    at = end;
  }
  return undefined;
}
