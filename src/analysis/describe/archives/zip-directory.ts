import { viewOf } from "../../formats/view-of.js";
import type { Source } from "../../source.js";

/** Where the list of entries is: APPNOTE.TXT, sections 4.3.14 to 4.3.16. */
export interface ZipDirectory {
  readonly start: number;
  readonly end: number;
  /** The number of entries that the archive states. */
  readonly entries: number;
  /** The number is stated modulo 65,536 if the archive has more entries: without zip64 there is no room. */
  readonly isShort: boolean;
}

const endBytes = 22;
const maxCommentBytes = 65_535;
const endSignature = 0x06054b50;
const locatorBytes = 20;
const locatorSignature = 0x07064b50;
const end64Bytes = 56;
const end64Signature = 0x06064b50;

/** Undefined if the content has no end record, or one that points out of the content. */
export async function zipDirectoryOf(source: Source): Promise<ZipDirectory | undefined> {
  const tailBytes = Math.min(source.bytes, endBytes + maxCommentBytes);
  const tailStart = source.bytes - tailBytes;
  const tail = viewOf(await source.read(tailStart, tailBytes));
  const at = endRecordIn(tail);
  if (at === undefined) return undefined;
  const end = tailStart + at;
  const large = await zip64DirectoryOf(source, end);
  if (large !== undefined) return large;
  const [entries, bytes] = [tail.getUint16(at + 10, true), tail.getUint32(at + 12, true)];
  return bytes > end ? undefined : { start: end - bytes, end, entries, isShort: true };
}

/** The last record whose comment reaches the end of the content exactly, or else the last one. */
function endRecordIn(tail: DataView): number | undefined {
  let found: number | undefined;
  for (let at = tail.byteLength - endBytes; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== endSignature) continue;
    if (at + endBytes + tail.getUint16(at + 20, true) === tail.byteLength) return at;
    found ??= at;
  }
  return found;
}

async function zip64DirectoryOf(source: Source, end: number): Promise<ZipDirectory | undefined> {
  if (end < locatorBytes + end64Bytes) return undefined;
  const locator = viewOf(await source.read(end - locatorBytes, locatorBytes));
  if (locator.getUint32(0, true) !== locatorSignature) return undefined;
  // The record is usually right before. Its stated offset is wrong where something stands before the archive.
  for (const at of [Number(locator.getBigUint64(8, true)), end - locatorBytes - end64Bytes]) {
    if (at + end64Bytes > end) continue;
    const record = viewOf(await source.read(at, end64Bytes));
    if (record.getUint32(0, true) !== end64Signature) continue;
    const [entries, bytes] = [Number(record.getBigUint64(32, true)), Number(record.getBigUint64(40, true))];
    return bytes > at ? undefined : { start: at - bytes, end: at, entries, isShort: false };
  }
  return undefined;
}
