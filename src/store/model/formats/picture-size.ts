import { hasBytes } from "./has-bytes.js";

/** The size that the header of a picture says, in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/*
 * Each function reads one format. Without its signature, or with a header that is wrong or not all there, it returns
 * undefined.
 */

/** https://www.w3.org/TR/png-3/, sections 5.2 and 11.2.1. */
export function pngSize(bytes: Buffer): PictureSize | undefined {
  const isPng = hasBytes(bytes, 0, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR") && bytes.length >= 33;
  if (!isPng) return undefined;
  const [depth = 0, colour = 0, compression, filter, interlace = 2] = bytes.subarray(24, 29);
  const isRight = [1, 2, 4, 8, 16].includes(depth) && [0, 2, 3, 4, 6].includes(colour);
  if (!isRight || compression !== 0 || filter !== 0 || interlace > 1) return undefined;
  return sizeOf(bytes.readUInt32BE(16), bytes.readUInt32BE(20));
}

/** ITU-T T.81, annex B. Reads the segments up to the frame header. */
export function jpegSize(bytes: Buffer): PictureSize | undefined {
  if (!hasBytes(bytes, 0, "\xff\xd8\xff")) return undefined;
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1; // a fill byte
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return sizeOf(bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5));
    const isSegment = marker >= 0xc0 && (marker < 0xd0 || marker > 0xda);
    if (!isSegment) return undefined;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

/** https://www.w3.org/Graphics/GIF/spec-gif89a.txt, sections 17 and 18. */
export function gifSize(bytes: Buffer): PictureSize | undefined {
  const isGif = (hasBytes(bytes, 0, "GIF87a") || hasBytes(bytes, 0, "GIF89a")) && bytes.length >= 13;
  return isGif ? sizeOf(bytes.readUInt16LE(6), bytes.readUInt16LE(8)) : undefined;
}

/** RFC 9649, sections 2.3 to 2.7. */
export function webpSize(bytes: Buffer): PictureSize | undefined {
  if (!hasBytes(bytes, 0, "RIFF") || !hasBytes(bytes, 8, "WEBPVP8") || bytes.length < 30) return undefined;
  switch (bytes.toString("latin1", 15, 16)) {
    case " ":
      return hasBytes(bytes, 23, "\x9d\x01\x2a")
        ? sizeOf(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
        : undefined;
    case "L": {
      const bits = bytes.readUInt32LE(21);
      return bytes[20] === 0x2f ? { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 } : undefined;
    }
    case "X":
      return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  }
  return undefined;
}

/** BITMAPCOREHEADER and BITMAPINFOHEADER: rows from the top to the bottom have a negative height. */
export function bmpSize(bytes: Buffer): PictureSize | undefined {
  if (!hasBytes(bytes, 0, "BM") || bytes.length < 26) return undefined;
  if (bytes.readUInt32LE(14) === 12) return sizeOf(bytes.readUInt16LE(18), bytes.readUInt16LE(20));
  return sizeOf(bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22)));
}

const sizeOf = (width: number, height: number): PictureSize | undefined =>
  width > 0 && height > 0 ? { width, height } : undefined;
