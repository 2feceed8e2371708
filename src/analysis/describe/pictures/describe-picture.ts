import {
  bmpSize,
  gifSize,
  jpegSize,
  type PictureSize,
  pngSize,
  webpSize,
} from "../../../store/model/formats/picture-size.js";
import type { Description } from "../../../store/ports/description.js";
import { blockBytes, type Source } from "../../source.js";
import { damaged } from "../damage.js";
import { tiffSize } from "./tiff-size.js";

const sizeReaders: Readonly<Record<string, (bytes: Buffer) => PictureSize | undefined>> = {
  png: pngSize,
  apng: pngSize,
  jpg: jpegSize,
  gif: gifSize,
  webp: webpSize,
  bmp: bmpSize,
};

/** The size, from the header alone. */
export async function describePicture(source: Source, format: string): Promise<Pick<Description, "image" | "partial">> {
  const image = format === "tif" ? await tiffSize(source) : await sizeInBeginning(source, sizeReaders[format]);
  return image ? { image } : { partial: damaged("The header does not say the size of the picture.") };
}

/** A JPEG may have a profile and a preview before its size. */
const beginnings = [64 * 1024, blockBytes];

async function sizeInBeginning(
  source: Source,
  read: ((bytes: Buffer) => PictureSize | undefined) | undefined,
): Promise<PictureSize | undefined> {
  for (const length of beginnings) {
    const bytes = await source.read(0, Math.min(length, source.bytes));
    const size = read?.(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (size !== undefined || bytes.length === source.bytes) return size;
  }
  return undefined;
}
