import { hasBytes } from "../../store/model/formats/has-bytes.js";
import { isTextType } from "../../store/model/formats/media-type.js";
import { gifSize, jpegSize, type PictureSize, pngSize, webpSize } from "../../store/model/formats/picture-size.js";

/** The format of an image or a recording, read from its first bytes. */
export interface MediaFormat {
  readonly kind: "image" | "audio";
  readonly name: string;
  /** The media type of the format. */
  readonly type: string;
  /** The size of an image, in pixels. */
  readonly size?: PictureSize;
}

interface KnownFormat extends Omit<MediaFormat, "size"> {
  /** Other media types of the format. */
  readonly aliases: readonly string[];
  /** Returns undefined if the signature or the header is wrong, the size for an image, and true for a recording. */
  readonly read: (bytes: Buffer) => PictureSize | true | undefined;
  /** Whether the content has its end too. A model refuses an image that is cut, and then the whole conversation. */
  readonly hasEnd?: (bytes: Buffer) => boolean;
}

/** The formats that hosts show or play. */
const knownFormats: readonly KnownFormat[] = [
  { kind: "image", name: "PNG", type: "image/png", aliases: [], read: pngSize, hasEnd: hasPngEnd },
  { kind: "image", name: "JPEG", type: "image/jpeg", aliases: ["image/jpg"], read: jpegSize, hasEnd: hasJpegEnd },
  { kind: "image", name: "GIF", type: "image/gif", aliases: [], read: gifSize, hasEnd: hasGifEnd },
  { kind: "image", name: "WebP", type: "image/webp", aliases: [], read: webpSize, hasEnd: hasRiffEnd },
  { kind: "audio", name: "WAV", type: "audio/wav", aliases: ["audio/x-wav", "audio/wave"], read: isWav },
  { kind: "audio", name: "MP3", type: "audio/mpeg", aliases: ["audio/mp3"], read: isMp3 },
  { kind: "audio", name: "Ogg", type: "audio/ogg", aliases: ["audio/opus", "audio/vorbis"], read: isOgg },
  { kind: "audio", name: "FLAC", type: "audio/flac", aliases: ["audio/x-flac"], read: isFlac },
];

/** The formats of a kind, for a sentence: "PNG, JPEG, GIF or WebP". */
export function namesOf(kind: MediaFormat["kind"]): string {
  const names = knownFormats.filter((format) => format.kind === kind).map(({ name }) => name);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** The kind that a media type says. Returns undefined for other types, and for images that are text, such as SVG. */
export function mediaKindOf(mimeType: string): MediaFormat["kind"] | undefined {
  const [, kind] = /^(image|audio)\//.exec(essenceOf(mimeType)) ?? [];
  return isTextType(mimeType) ? undefined : (kind as MediaFormat["kind"] | undefined);
}

/**
 * The format of content by its bytes alone, whatever its media type says.
 *
 * @param bytes the first bytes of the content, enough for all headers of a format
 */
export function mediaFormatOf(bytes: Uint8Array): MediaFormat | undefined {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const { kind, name, type, read } of knownFormats) {
    const found = read(content);
    if (found !== undefined) return { kind, name, type, ...(found === true ? {} : { size: found }) };
  }
  return undefined;
}

/** Whether the whole content of this format ends as the format says. It may have other bytes after its end. */
export function isComplete({ type }: MediaFormat, bytes: Uint8Array): boolean {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return knownFormats.find((format) => format.type === type)?.hasEnd?.(content) ?? true;
}

/**
 * The media type to send content with. It never names a known format that the bytes do not have, because hosts would try
 * to show them.
 */
export function honestType(mimeType: string, content: Uint8Array, { isWhole }: { readonly isWhole: boolean }): string {
  if (mediaKindOf(mimeType) === undefined) return mimeType;
  const essence = essenceOf(mimeType);
  const format = isWhole ? mediaFormatOf(content) : undefined;
  const found = format !== undefined && isComplete(format, content) ? format.type : undefined;
  const known = knownFormats.find(({ type, aliases }) => type === essence || aliases.includes(essence));
  if (known === undefined) return found ?? mimeType;
  return found === known.type ? mimeType : (found ?? "application/octet-stream");
}

function essenceOf(mimeType: string): string {
  return (mimeType.split(";")[0] ?? "").trim().toLowerCase();
}

/** The IEND chunk: section 11.2.5. */
function hasPngEnd(bytes: Buffer): boolean {
  return bytes.includes("\0\0\0\0IEND\xae\x42\x60\x82", 33, "latin1");
}

/** The EOI marker after the last start of a scan: T.81, section B.1.1.3. A preview may have an end of its own before. */
function hasJpegEnd(bytes: Buffer): boolean {
  return bytes.lastIndexOf("\xff\xd9", undefined, "latin1") > bytes.lastIndexOf("\xff\xda", undefined, "latin1");
}

/** The trailer: section 27. Zeros may follow it. */
function hasGifEnd(bytes: Buffer): boolean {
  let end = bytes.length;
  while (bytes[end - 1] === 0) end -= 1;
  return bytes[end - 1] === 0x3b;
}

/** The size in the header: RFC 9649, section 2.4. */
function hasRiffEnd(bytes: Buffer): boolean {
  return bytes.length >= bytes.readUInt32LE(4) + 8;
}

/** Reads the RIFF chunks up to the one that describes the format of the samples. */
function isWav(bytes: Buffer): true | undefined {
  if (!hasBytes(bytes, 0, "RIFF") || !hasBytes(bytes, 8, "WAVE")) return undefined;
  for (let at = 12; at + 24 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    if (hasBytes(bytes, at, "fmt ")) {
      const channels = bytes.readUInt16LE(at + 10);
      const rate = bytes.readUInt32LE(at + 12);
      return (length >= 16 && channels > 0 && rate > 0) || undefined;
    }
    at += 8 + length + (length % 2);
  }
  return undefined;
}

/** ISO/IEC 11172-3, section 2.4.1.3: the header of a layer III frame. An ID3v2 tag may stand before it. */
function isMp3(bytes: Buffer): true | undefined {
  let at = 0;
  if (hasBytes(bytes, 0, "ID3") && bytes.length >= 10) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(6, 10); // seven bits each
    at = 10 + ((a << 21) | (b << 14) | (c << 7) | d);
    while (bytes[at] === 0) at += 1; // padding
  }
  if (at + 4 > bytes.length) return undefined;
  const header = bytes.readUInt32BE(at);
  const [sync, version, layer] = [header >>> 21, (header >>> 19) & 3, (header >>> 17) & 3];
  const [bitrate, rate] = [(header >>> 12) & 15, (header >>> 10) & 3];
  const isFrame = sync === 0x7ff && version !== 1 && layer === 1 && bitrate !== 0 && bitrate !== 15 && rate !== 3;
  return isFrame || undefined;
}

/** RFC 3533, section 6: the first page of an audio stream. */
function isOgg(bytes: Buffer): true | undefined {
  if (!hasBytes(bytes, 0, "OggS\0\x02") || bytes.length < 28) return undefined;
  const at = 27 + (bytes[26] ?? 0);
  return ["OpusHead", "\x01vorbis", "\x7fFLAC", "Speex   "].some((codec) => hasBytes(bytes, at, codec)) || undefined;
}

/** RFC 9639, sections 6 and 8.2: the STREAMINFO block comes first, and has a sample rate. */
function isFlac(bytes: Buffer): true | undefined {
  if (!hasBytes(bytes, 0, "fLaC") || bytes.length < 42) return undefined;
  const isStreamInfo = ((bytes[4] ?? 0) & 0x7f) === 0 && bytes.readUIntBE(5, 3) === 34;
  return (isStreamInfo && bytes.readUIntBE(18, 3) >>> 4 > 0) || undefined;
}
