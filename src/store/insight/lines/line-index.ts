import { lineFeeds, type TextEncoding, type TextFormat } from "./text-format.js";

/** Where lines begin, roughly: the number of line ends before each block of a text. */
export interface LineIndex extends TextFormat {
  /** Bytes of the content. */
  readonly bytes: number;
  /** Bytes of a block. The last block may be shorter. */
  readonly blockBytes: number;
  /** Line ends before each block, and at last those of the whole text. */
  readonly before: Float64Array;
  /** A last line without a line end counts. */
  readonly lines: number;
}

/** A text has at most so many blocks. Those of a longer text are larger. */
const maxBlocks = 16_384;
const smallestBlockBytes = 256 * 1024;

/** The length of the blocks of a content: a power of two. */
export function indexBlockBytes(bytes: number): number {
  let blockBytes = smallestBlockBytes;
  while (bytes > blockBytes * maxBlocks) blockBytes *= 2;
  return blockBytes;
}

/** @param counts the number of line ends in each block */
export function lineIndexOf(
  { encoding, textStart }: TextFormat,
  bytes: number,
  counts: Uint32Array,
  endsWithLineEnd: boolean,
): LineIndex {
  const before = new Float64Array(counts.length + 1);
  for (const [block, count] of counts.entries()) before[block + 1] = (before[block] ?? 0) + count;
  const ends = before.at(-1) ?? 0;
  const lines = endsWithLineEnd || bytes <= textStart ? ends : ends + 1;
  return { encoding, textStart, bytes, blockBytes: indexBlockBytes(bytes), before, lines };
}

/** Whether the text ends with a line end. @param tail at least its last two bytes, or all */
export function endsWithLineEnd(tail: Uint8Array, { encoding, textStart }: TextFormat, bytes: number): boolean {
  const feed = lineFeeds[encoding];
  if ((bytes - textStart) % feed.length !== 0) return false;
  return feed.equals(tail.subarray(-feed.length));
}

/** The block that has the `nth` line end of the text, from 1. */
export function blockOfLineEnd({ before }: LineIndex, nth: number): number {
  let low = 0;
  let high = before.length - 2;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((before[middle] ?? 0) < nth) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Raised when the bytes below change. */
const format = 1;
const encodings: readonly TextEncoding[] = ["utf-8", "utf-16le", "utf-16be", "latin-1"];
/** Format, encoding, start of the text and whether it ends with a line end, each in 4 bytes; length of the content in 8. */
const headBytes = 24;

export function encodeLineIndex({ encoding, textStart, bytes, before, lines }: LineIndex): Uint8Array {
  const encoded = Buffer.alloc(headBytes + 4 * (before.length - 1));
  const ends = before.at(-1) ?? 0;
  const head = [format, encodings.indexOf(encoding), textStart, lines === ends ? 1 : 0];
  for (const [n, value] of head.entries()) encoded.writeUInt32LE(value, 4 * n);
  encoded.writeDoubleLE(bytes, 16);
  for (let block = 0; block + 1 < before.length; block += 1) {
    encoded.writeUInt32LE((before[block + 1] ?? 0) - (before[block] ?? 0), headBytes + 4 * block);
  }
  return encoded;
}

/** Undefined if the index has another format, or does not fit a content of this length. */
export function decodeLineIndex(encoded: Uint8Array, bytes: number): LineIndex | undefined {
  const view = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length);
  const blocks = Math.ceil(bytes / indexBlockBytes(bytes));
  if (view.length !== headBytes + 4 * blocks || view.readUInt32LE(0) !== format) return undefined;
  const encoding = encodings[view.readUInt32LE(4)];
  if (encoding === undefined || view.readDoubleLE(16) !== bytes) return undefined;
  const counts = Uint32Array.from({ length: blocks }, (_, block) => view.readUInt32LE(headBytes + 4 * block));
  return lineIndexOf({ encoding, textStart: view.readUInt32LE(8) }, bytes, counts, view.readUInt32LE(12) === 1);
}
