import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { honestType, mediaFormatOf, mediaKindOf, namesOf } from "../../../src/mcp/content/media-format.js";
import * as media from "../../support/media.js";

const size = { width: 640, height: 8_200 };
const images: [name: string, type: string, bytes: Buffer][] = [
  ["PNG", "image/png", media.png(640, 8_200)],
  ["JPEG", "image/jpeg", media.jpeg(640, 8_200)],
  ["GIF", "image/gif", media.gif(640, 8_200)],
  ["WebP", "image/webp", media.webpLossy(640, 8_200)],
  ["WebP", "image/webp", media.webpLossless(640, 8_200)],
  ["WebP", "image/webp", media.webpExtended(640, 8_200)],
];
const sounds: [name: string, type: string, bytes: Buffer][] = [
  ["WAV", "audio/wav", media.wav()],
  ["MP3", "audio/mpeg", media.mp3Frame()],
  ["MP3", "audio/mpeg", media.mp3WithTag()],
  ["Ogg", "audio/ogg", media.ogg()],
  ["Ogg", "audio/ogg", media.ogg("\x01vorbis")],
  ["FLAC", "audio/flac", media.flac()],
];
const changed = (bytes: Buffer, at: number, to: number[]): Buffer => {
  const copy = Buffer.from(bytes);
  copy.set(to, at);
  return copy;
};

describe("mediaFormatOf()", () => {
  it.each(images)("recognizes %s (%s) and its size from its bytes", (name, type, bytes) => {
    expect(mediaFormatOf(bytes)).toEqual({ kind: "image", name, type, size });
  });

  it.each(sounds)("recognizes %s (%s) from its bytes", (name, type, bytes) => {
    expect(mediaFormatOf(bytes)).toEqual({ kind: "audio", name, type });
  });

  it.each([
    ["text", Buffer.from("hello world\n")],
    ["only the signature of PNG", media.png(1, 1).subarray(0, 8)],
    ["PNG without its whole header", media.png(1, 1).subarray(0, 32)],
    ["PNG with width 0", media.png(0, 1)],
    ["PNG with an unknown depth", changed(media.png(1, 1), 24, [3])],
    ["PNG with another first chunk", changed(media.png(1, 1), 12, [0x4a])],
    ["PNG with changed line ends", changed(media.png(1, 1), 4, [0x0a, 0x0a])],
    ["JPEG without a frame", Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xd9, 0, 0, 0, 0, 0])],
    ["JPEG with scan data before a frame", Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 4, 0, 0, 0xff, 0xc0, 0, 17, 8])],
    ["JPEG with height 0", media.jpeg(1, 0)],
    ["JPEG that is cut off before its frame", media.jpeg(1, 1).subarray(0, 60_000)],
    ["GIF with width 0", media.gif(0, 1)],
    ["GIF with another version", changed(media.gif(1, 1), 4, [0x38])],
    ["RIFF with another form type", changed(media.webpLossy(1, 1), 8, [0x41])],
    ["WebP with another chunk", changed(media.webpLossy(1, 1), 15, [0x41])],
    ["WebP without its start code", changed(media.webpLossy(1, 1), 23, [0])],
    ["WAV without channels", media.wav(0)],
    ["WAV with rate 0", media.wav(2, 0)],
    ["WAV without a format", Buffer.from("RIFF1234WAVEdata\x04\0\0\0abcdefghijklmnop", "latin1")],
    ["MP3 of layer II", media.mp3Frame(0xfffd9064)],
    ["MP3 with an invalid rate", media.mp3Frame(0xfffb9c64)],
    ["ADTS", media.mp3Frame(0xfff15080)],
    ["an MP3 tag before text", Buffer.from("ID3\x04\0\0\0\0\0\x02  text and more", "latin1")],
    ["Ogg with video", media.ogg("\x80theora")],
    ["Ogg from the middle of a stream", changed(media.ogg(), 5, [0])],
    ["FLAC with rate 0", media.flac(0)],
    ["FLAC that begins with another block", changed(media.flac(), 4, [1])],
  ])("recognizes no format in %s", (_what, bytes) => {
    expect(mediaFormatOf(bytes)).toBeUndefined();
  });

  it("reads any bytes after any signature, and any beginning of a file", () => {
    const starts = [...images, ...sounds].map(([, , bytes]) => bytes.subarray(0, 64));
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.nat(64), fc.uint8Array({ maxLength: 64 }), (start, length, more) => {
        const found = mediaFormatOf(Buffer.concat([start.subarray(0, length), more]));
        for (const side of Object.values(found?.size ?? {})) expect(side).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("mediaKindOf()", () => {
  it.each([
    ["image/png", "image"],
    ["IMAGE/PNG; charset=binary", "image"],
    ["image/bmp", "image"],
    ["audio/mp4", "audio"],
    ["image/svg+xml", undefined],
    ["text/plain", undefined],
    ["application/image/png", undefined],
    ["video/mp4", undefined],
  ])("of %s is %s", (type, kind) => expect(mediaKindOf(type)).toBe(kind));
});

describe("honestType()", () => {
  const text = Buffer.from("hello world\n");
  const [whole, part] = [{ isWhole: true }, { isWhole: false }];
  it.each([
    ["image/png", media.png(1, 1), whole, "image/png"],
    ["audio/x-wav", media.wav(), whole, "audio/x-wav"],
    ["image/png", text, whole, "application/octet-stream"],
    ["image/png", media.jpeg(1, 1), whole, "image/jpeg"],
    ["image/png", media.png(1, 1), part, "application/octet-stream"],
    ["audio/mpeg", text, whole, "application/octet-stream"],
    ["image/bmp", text, whole, "image/bmp"],
    ["image/bmp", media.png(1, 1), whole, "image/png"],
    ["application/zip", media.png(1, 1), whole, "application/zip"],
  ])("of %s for %o, %o is %s", (type, bytes, how, honest) => expect(honestType(type, bytes, how)).toBe(honest));
});

it("namesOf() lists the formats of a kind for a sentence", () => {
  expect(namesOf("image")).toBe("PNG, JPEG, GIF or WebP");
  expect(namesOf("audio")).toBe("WAV, MP3, Ogg or FLAC");
});
