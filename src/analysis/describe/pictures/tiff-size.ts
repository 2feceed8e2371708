import type { PictureSize } from "../../../store/model/formats/picture-size.js";
import { viewOf } from "../../formats/view-of.js";
import type { Source } from "../../source.js";

const widthTag = 256;
const heightTag = 257;
const shortType = 3;
const longType = 4;

/** The size of the first picture in a TIFF file: TIFF 6.0, section 2. Undefined if the file does not say it. */
export async function tiffSize(source: Source): Promise<PictureSize | undefined> {
  const header = viewOf(await source.read(0, Math.min(8, source.bytes)));
  if (header.byteLength < 8) return undefined;
  const isLittle = header.getUint16(0) === 0x4949; // "II"
  if (header.getUint16(2, isLittle) !== 42) return undefined;
  const directoryAt = header.getUint32(4, isLittle);
  if (directoryAt + 2 > source.bytes) return undefined;
  const count = viewOf(await source.read(directoryAt, 2)).getUint16(0, isLittle);
  const entries = viewOf(await source.read(directoryAt + 2, Math.min(count * 12, source.bytes - directoryAt - 2)));
  const width = numberOf(entries, widthTag, isLittle);
  const height = numberOf(entries, heightTag, isLittle);
  return width && height ? { width, height } : undefined;
}

function numberOf(entries: DataView, tag: number, isLittle: boolean): number | undefined {
  for (let at = 0; at + 12 <= entries.byteLength; at += 12) {
    if (entries.getUint16(at, isLittle) !== tag) continue;
    const type = entries.getUint16(at + 2, isLittle);
    if (type === shortType) return entries.getUint16(at + 8, isLittle);
    return type === longType ? entries.getUint32(at + 8, isLittle) : undefined;
  }
  return undefined;
}
