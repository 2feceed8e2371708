import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import type { ContentPage } from "./content-page.js";

export type Utf16 = "utf-16le" | "utf-16be";

/** Bounds of a page: UTF-16 code units, and bytes that the text takes as UTF-8. */
interface Most {
  readonly units: number;
  readonly utf8Bytes: number;
}

/** The encoding that a byte order mark tells. UTF-32 begins like UTF-16, and is none of them. */
export function utf16Of([a, b, c, d]: Uint8Array): Utf16 | undefined {
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? undefined : "utf-16le";
  return a === 0xfe && b === 0xff ? "utf-16be" : undefined;
}

/**
 * A page of UTF-16 text without its byte order mark. It begins and ends between characters: at even offsets, and never
 * inside a surrogate pair.
 *
 * @param offset in bytes
 * @param most of the page, which has at least one character
 * @returns undefined if these bytes are no valid UTF-16
 */
export async function readUtf16Page(
  open: OpenArtifact,
  encoding: Utf16,
  offset: number,
  most: Most,
): Promise<ContentPage | undefined> {
  const from = Math.max(0, offset - (offset % 2) - 2);
  const content = await open.read(from, 2 * (most.units + 3));
  const isLast = from + content.length >= open.artifact.bytes;
  if (isLast && content.length % 2 === 1) return undefined;
  const units = new TextDecoder(encoding, { ignoreBOM: true }).decode(content.subarray(0, content.length & ~1));
  const at = (offset - (offset % 2) - from) / 2;
  const start = isInPair(units, at) ? at - 1 : at;
  const end = pageEnd(units, start, most);
  const text = units.slice(start, end);
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  try {
    decoder.decode(content.subarray(2 * start, 2 * end));
  } catch {
    return undefined;
  }
  const [first, last] = [from + 2 * start, from + 2 * end];
  return { encoding, text: first === 0 ? text.replace(/^\ufeff/, "") : text, start: first, end: last, isText: false };
}

function isInPair(units: string, at: number): boolean {
  const before = units.charCodeAt(at - 1);
  return at > 0 && before >= 0xd800 && before < 0xdc00 && (units.charCodeAt(at) & 0xfc00) === 0xdc00;
}

function pageEnd(units: string, start: number, most: Most): number {
  let end = start;
  let bytes = 0;
  while (end < units.length) {
    const point = units.codePointAt(end) ?? 0;
    bytes += utf8BytesOf(point);
    const next = end + (point < 0x10000 ? 1 : 2);
    if (end > start && (next - start > most.units || bytes > most.utf8Bytes)) break;
    end = next;
  }
  return end;
}

function utf8BytesOf(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}
