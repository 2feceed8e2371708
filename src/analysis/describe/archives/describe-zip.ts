import { count } from "../../../store/model/count.js";
import type { ArchiveDescription, PartialReason } from "../../../store/ports/description.js";
import { createSeekingReader, type SequentialReader } from "../../formats/sequential-reader.js";
import { viewOf } from "../../formats/view-of.js";
import { type Run, type Source, timeIsOver } from "../../source.js";
import { damaged } from "../damage.js";
import { EntryList, entryName } from "./entry-list.js";
import { zipDirectoryOf } from "./zip-directory.js";

/** The entries of a zip archive, by its directory. Nothing is unpacked. */
export async function describeZip(
  source: Source,
  run: Run,
): Promise<{ archive: ArchiveDescription; partial?: PartialReason }> {
  const list = new EntryList();
  const partial = await readDirectory(source, list, run);
  return { archive: list.facts(), ...(partial && { partial }) };
}

const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;

async function readDirectory(source: Source, list: EntryList, run: Run): Promise<PartialReason | undefined> {
  const directory = await zipDirectoryOf(source);
  if (directory === undefined) return readLocalHeaders(source, list, run);
  const reader = createSeekingReader(source);
  await reader.skip(directory.start, () => false);
  let packedBytes = 0;
  while (reader.position < directory.end) {
    if (run.isOver()) return timeIsOver(count(list.entries, "entry", "entries"));
    const start = reader.position;
    const entry = await readEntry(reader, centralHeader);
    if (entry === undefined || reader.position > directory.end) {
      return damaged(
        `The directory of the archive has no valid entry at byte ${start}, after ${count(list.entries, "entry", "entries")}.`,
      );
    }
    list.add(entry.bytes, entry.name);
    packedBytes += entry.packedBytes;
  }
  const counted = directory.isShort ? list.entries % 0x10000 : list.entries;
  if (counted !== directory.entries) {
    return damaged(
      `The archive states ${count(directory.entries, "entry", "entries")}, and its directory has ${list.entries}.`,
    );
  }
  if (packedBytes > source.bytes) {
    return damaged("The entries together are larger than the archive: they overlap, or their sizes are wrong.");
  }
  return undefined;
}

/** An archive without a directory is cut. Its entries have headers of their own, until one does not state its size. */
async function readLocalHeaders(source: Source, list: EntryList, run: Run): Promise<PartialReason> {
  const reader = createSeekingReader(source);
  while (!run.isOver()) {
    const entry = await readEntry(reader, localHeader);
    if (entry === undefined) break;
    list.add(entry.bytes, entry.name);
    const isSizeUnknown = (entry.flags & 8) !== 0 && entry.packedBytes === 0;
    const skipped = await reader.skip(entry.packedBytes, () => false);
    if (isSizeUnknown || skipped < entry.packedBytes) break;
  }
  return damaged(
    `The archive breaks off: its directory is missing. Before that: ${count(list.entries, "entry", "entries")}.`,
  );
}

/** Where a header has its fields: APPNOTE.TXT, sections 4.3.7 and 4.3.12. */
interface HeaderLayout {
  readonly signature: number;
  readonly bytes: number;
  readonly flags: number;
  readonly packed: number;
  readonly nameLength: number;
  readonly commentLength?: number;
}

const centralHeader: HeaderLayout = {
  signature: centralSignature,
  bytes: 46,
  flags: 8,
  packed: 20,
  nameLength: 28,
  commentLength: 32,
};
const localHeader: HeaderLayout = { signature: localSignature, bytes: 30, flags: 6, packed: 18, nameLength: 26 };

interface ZipEntry {
  readonly flags: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly name: () => string;
}

/** Undefined if there is no whole header. */
async function readEntry(reader: SequentialReader, layout: HeaderLayout): Promise<ZipEntry | undefined> {
  const header = await reader.take(layout.bytes);
  if (header.length < layout.bytes) return undefined;
  const view = viewOf(header);
  if (view.getUint32(0, true) !== layout.signature) return undefined;
  const flags = view.getUint16(layout.flags, true);
  const packedBytes = view.getUint32(layout.packed, true);
  const bytes = view.getUint32(layout.packed + 4, true);
  const nameLength = view.getUint16(layout.nameLength, true);
  const extraLength = view.getUint16(layout.nameLength + 2, true);
  const commentLength = layout.commentLength === undefined ? 0 : view.getUint16(layout.commentLength, true);
  const rest = await reader.take(nameLength + extraLength + commentLength);
  if (rest.length < nameLength + extraLength + commentLength) return undefined;
  const extra = viewOf(rest.subarray(nameLength, nameLength + extraLength));
  return { flags, ...largeSizes(extra, bytes, packedBytes), name: () => entryName(rest.subarray(0, nameLength)) };
}

const unstated = 0xffffffff;

/** The sizes in the zip64 field, which has them only where the header has no room: APPNOTE.TXT, section 4.5.3. */
function largeSizes(extra: DataView, bytes: number, packedBytes: number): { bytes: number; packedBytes: number } {
  if (bytes !== unstated && packedBytes !== unstated) return { bytes, packedBytes };
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === 1) {
      const end = Math.min(at + 4 + length, extra.byteLength);
      const large = (offset: number, small: number) =>
        offset + 8 <= end ? Number(extra.getBigUint64(offset, true)) : small;
      const packedAt = at + 4 + (bytes === unstated ? 8 : 0);
      return {
        bytes: bytes === unstated ? large(at + 4, bytes) : bytes,
        packedBytes: packedBytes === unstated ? large(packedAt, packedBytes) : packedBytes,
      };
    }
    at += 4 + length;
  }
  return { bytes, packedBytes };
}
