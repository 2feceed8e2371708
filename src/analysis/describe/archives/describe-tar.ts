import { count } from "../../../store/model/count.js";
import type { ArchiveDescription, PartialReason } from "../../../store/ports/description.js";
import type { Detected } from "../../formats/detect-format.js";
import { createSeekingReader, createUnpackingReader, type SequentialReader } from "../../formats/sequential-reader.js";
import { isTar } from "../../formats/signatures.js";
import { type Run, type Source, timeIsOver } from "../../source.js";
import { Damage, damageOf } from "../damage.js";
import { EntryList, entryName } from "./entry-list.js";
import { numberIn, paxRecords, tarNameOf } from "./tar-header.js";

const recordBytes = 512;
/** Long names and attributes of an entry. */
const maxExtensionBytes = 1024 * 1024;

/** The entries of a tar archive, by their headers. */
export async function describeTar(
  source: Source,
  detected: Detected,
  run: Run,
): Promise<{ archive: ArchiveDescription; partial?: PartialReason }> {
  const reader = detected.compression === "gzip" ? createUnpackingReader(source) : createSeekingReader(source);
  const list = new EntryList();
  try {
    const partial = await readEntries(reader, list, run).catch(damageOf);
    return { archive: list.facts(), ...(partial && { partial }) };
  } finally {
    await reader.close();
  }
}

/** What the entries before say of the next one. */
interface Extensions {
  name?: string;
  bytes?: number;
}

/** Returns why the entries after the last one listed were not read. */
async function readEntries(reader: SequentialReader, list: EntryList, run: Run): Promise<PartialReason | undefined> {
  for (let extensions: Extensions = {}; !run.isOver(); ) {
    const header = Buffer.from(await reader.take(recordBytes));
    if (isEnd(header, reader, list)) return undefined;
    if (!isTar(header)) throw new Damage(`There is no valid header ${where(reader, list)}.`);
    const bytes = contentBytes(header, extensions);
    if (!(bytes >= 0)) throw new Damage(`The header ${where(reader, list)} has no valid size.`);
    const end = reader.position + bytes;
    const found = await extensionsIn(reader, header, bytes);
    if (found === undefined) {
      const { name = tarNameOf(header) } = extensions;
      list.add(bytes, () => name);
    }
    await reader.skip(end - reader.position, () => run.isOver());
    if (reader.position < end && !run.isOver()) throw new Damage(breaksOff(reader, list));
    await reader.skip(-bytes & (recordBytes - 1), () => false); // padding, which the last entry may lack
    extensions = found === undefined ? {} : { ...extensions, ...found };
  }
  return timeIsOver(count(list.entries, "entry", "entries"));
}

/** The archive ends with records of zeros. Without them it may be cut. @throws Damage if the content ends before */
function isEnd(header: Buffer, reader: SequentialReader, list: EntryList): boolean {
  if (header.length < recordBytes) throw new Damage(breaksOff(reader, list));
  return header.every((byte) => byte === 0);
}

/** NaN if the header has no valid size. */
function contentBytes(header: Buffer, { bytes = numberIn(header, 124, 12) }: Extensions): number {
  const isWhole = Number.isSafeInteger(bytes);
  return hasContent(header[typeAt]) ? (isWhole ? bytes : Number.NaN) : 0;
}

const typeAt = 156;

/** Links and folders have none, whatever their size says. */
function hasContent(type: number | undefined): boolean {
  return !(type !== undefined && type >= 0x31 && type <= 0x36); // "1" to "6"
}

/** Undefined if the entry is a file of the archive, and not facts about the next one. */
async function extensionsIn(reader: SequentialReader, header: Buffer, bytes: number): Promise<Extensions | undefined> {
  switch (String.fromCharCode(header[typeAt] ?? 0)) {
    case "g": // for all entries; names and sizes are never in it
    case "K": // GNU: the target of a link
      return {};
    case "L": {
      const name = entryName(await reader.take(Math.min(bytes, maxExtensionBytes)));
      return { name: name.replace(/\0.*$/s, "") };
    }
    case "x": {
      const { path, size } = paxRecords(await reader.take(Math.min(bytes, maxExtensionBytes)));
      return { ...(path !== undefined && { name: path }), ...(size !== undefined && { bytes: Number(size) }) };
    }
    default:
      return undefined;
  }
}

function where({ position }: SequentialReader, { entries }: EntryList): string {
  return `at byte ${position - recordBytes}, after ${count(entries, "entry", "entries")}`;
}

function breaksOff({ position, broken }: SequentialReader, { entries }: EntryList): string {
  return broken ?? `The archive breaks off at byte ${position}, after ${count(entries, "entry", "entries")}.`;
}
