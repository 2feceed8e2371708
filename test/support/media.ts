/*
 * Images and recordings as their specifications define them: only the parts that the server reads.
 */

const concat = (...parts: (string | Uint8Array | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))));
const u16 = (n: number): number[] => [n >> 8, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 0xffff)];
const reversed = (bytes: number[]): number[] => [...bytes].reverse();

export const png = (width: number, height: number): Buffer =>
  concat(
    "\x89PNG\r\n\x1a\n",
    u32(13),
    "IHDR",
    u32(width),
    u32(height),
    [8, 6, 0, 0, 0],
    u32(0),
    "the rest",
    u32(0),
    "IEND\xae\x42\x60\x82",
  );

/** A JPEG with an Exif segment of 60,000 bytes and a fill byte before the frame. */
export const jpeg = (width: number, height: number): Buffer =>
  concat(
    [0xff, 0xd8, 0xff, 0xe1, ...u16(60_000)],
    Buffer.alloc(59_998),
    [0xff, 0xff, 0xc2, ...u16(17), 8, ...u16(height), ...u16(width), 3],
    "the rest",
    [0xff, 0xd9],
  );

export const gif = (width: number, height: number): Buffer =>
  concat("GIF89a", reversed(u16(width)), reversed(u16(height)), [0, 0, 0], "the rest;");

const riff = (form: string, ...parts: (string | number[])[]): Buffer => {
  const body = concat(form, ...parts, "the rest of it");
  return concat("RIFF", reversed(u32(body.length)), body);
};

export const webpLossy = (width: number, height: number): Buffer =>
  riff("WEBP", "VP8 ", u32(0), [0, 0, 0, 0x9d, 1, 0x2a], reversed(u16(width)), reversed(u16(height)));

export const webpLossless = (width: number, height: number): Buffer =>
  riff("WEBP", "VP8L", u32(0), [0x2f], reversed(u32((height - 1) * 2 ** 14 + (width - 1))));

export const webpExtended = (width: number, height: number): Buffer =>
  riff("WEBP", "VP8X", u32(0), u32(0), reversed(u32(width - 1)).slice(0, 3), reversed(u32(height - 1)).slice(0, 3));

/** A WAV file with another chunk, of odd length, before the format. */
export const wav = (channels = 2, rate = 44_100): Buffer =>
  riff(
    "WAVE",
    ...["LIST", reversed(u32(3)), "abc\0"],
    ...["fmt ", reversed(u32(16)), [1, 0], reversed(u16(channels)), reversed(u32(rate)), "1234567890"],
  );

export const mp3Frame = (header = 0xfffb9064): Buffer => concat(u32(header >>> 0), "the rest");

export const mp3WithTag = (): Buffer => concat("ID3", [4, 0, 0, 0, 0, 1, 2], Buffer.alloc(130), mp3Frame());

export const ogg = (codec = "OpusHead"): Buffer => concat("OggS", [0, 2], Buffer.alloc(20), [1, 19], codec, "the rest");

export const flac = (rate = 44_100): Buffer =>
  concat("fLaC", [0, 0, 0, 34], Buffer.alloc(10), [rate >> 12, (rate >> 4) & 255, (rate & 15) << 4], Buffer.alloc(40));
