import { describe, expect, it } from "vitest";
import { type Arguments, connect, pageTextOf, textOf } from "../../support/mcp-client.js";
import * as media from "../../support/media.js";
import { createMemoryEngines } from "../../support/stores.js";

const KiB = 1024;
const MiB = KiB * KiB;
const where = { bucket: "b", key: "k" };
const padded = (bytes: Buffer, length: number): Buffer => Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);

async function setup() {
  const { store, call } = await connect(createMemoryEngines());
  const save = (bytes: Buffer, mime_type: string) =>
    store.artifacts.save({ ...where, bytes, defaultMimeType: mime_type, mime_type });
  const read = (args: Arguments = {}) => call("read_artifact", { ...where, ...args });
  /** Makes the call that the answer names. */
  const follow = async (text: string) => {
    const [, next] = / read_artifact (\{.*\})$/.exec(text) ?? [];
    return call("read_artifact", JSON.parse(next ?? "no call"));
  };
  return { save, read, follow };
}

describe("read_artifact of an image or a recording", () => {
  it.each([
    ["image", "image/png", media.png(20, 10), /a PNG image of 20 x 10 pixels/],
    ["image", "image/jpeg", media.jpeg(20, 10), /a JPEG image of 20 x 10 pixels/],
    ["image", "image/gif", media.gif(20, 10), /a GIF image of 20 x 10 pixels/],
    ["image", "image/webp", media.webpExtended(20, 10), /a WebP image of 20 x 10 pixels/],
    ["audio", "audio/wav", media.wav(), /WAV audio/],
    ["audio", "audio/mpeg", media.mp3WithTag(), /MP3 audio/],
    ["audio", "audio/ogg", media.ogg(), /Ogg audio/],
    ["audio", "audio/flac", media.flac(), /FLAC audio/],
  ])("shows it as a block of type %s: %s", async (type, mimeType, bytes, line) => {
    const { save, read } = await setup();
    await save(bytes, mimeType);
    for (const args of [{}, { offset: 0 }, { length: bytes.length }, { length: MiB }]) {
      const { content, _meta } = await read(args);
      expect(content).toEqual([
        { type: "text", text: expect.stringMatching(line) },
        { type, data: bytes.toString("base64"), mimeType },
      ]);
      expect(_meta).toEqual({ offset: 0, length: bytes.length, bytes: bytes.length });
    }
  });

  it.each(["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "audio/wav", "audio/mpeg", "audio/mp4"])(
    "shows twelve bytes of text that are stored as %s, and says so",
    async (type) => {
      const { save, read } = await setup();
      await save(Buffer.from("hello world\n"), type);
      const page = await read();
      expect(textOf(page)).toBe(
        `12 bytes from offset 0 as utf8, of 12 (${type}, version 1). The content is text, though its type does not say so. This is the end.`,
      );
      expect(page._meta).toEqual({ offset: 0, length: 12, bytes: 12 });
      expect(pageTextOf(page)).toBe("hello world\n");
    },
  );

  it("describes bytes that are neither an image nor text, and says to read them as base64", async () => {
    const { save, read, follow } = await setup();
    await save(Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]), "image/png");
    const text = textOf(await read());
    expect(text).toMatch(
      /^Not shown: version 1 is stored as image\/png, but its 7 bytes are not in a known image format /,
    );
    expect(pageTextOf(await follow(text))).toBe("iVBORwECAw==");
  });

  it.each([
    ["image/png", media.png(20, 10)],
    ["image/jpeg", media.jpeg(20, 10)],
    ["image/gif", media.gif(20, 10)],
    ["image/webp", media.webpLossy(20, 10)],
  ])("describes an image of type %s whose end is missing: a model refuses it", async (mimeType, bytes) => {
    const { save, read } = await setup();
    await save(bytes.subarray(0, -1), mimeType);
    const { content } = await read();
    const text = expect.stringMatching(
      /^Not shown: .* 20 x 10 .*end is missing: save or import the whole file again\.$/,
    );
    expect(content).toEqual([{ type: "text", text }]);
  });

  it("shows an image under the type of its bytes, not under its stored type", async () => {
    const { save, read } = await setup();
    const bytes = media.jpeg(20, 10);
    await save(bytes, "image/png");
    expect((await read()).content[1]).toEqual({
      type: "image",
      data: bytes.toString("base64"),
      mimeType: "image/jpeg",
    });
  });

  it.each([
    ["image", "image/png", media.png(2_000, 1_000), /a PNG image of 2000 x 1000 pixels/],
    ["audio", "audio/wav", media.wav(), /WAV audio/],
  ])(
    "shows %s of more than 100 KB if length asks for it, and describes it otherwise",
    async (type, mime, start, what) => {
      const { save, read, follow } = await setup();
      await save(padded(start, 100 * KiB), mime);
      expect((await read()).content[1]).toMatchObject({ type });
      const bytes = padded(start, 100 * KiB + 1);
      await save(bytes, mime);
      const { content } = await read();
      expect(content).toHaveLength(1);
      const text = textOf({ content });
      expect(text).toMatch(what);
      expect(text).toMatch(/^Not shown yet: version 2 .*102401 bytes/);
      expect((await follow(text)).content[1]).toEqual({ type, data: bytes.toString("base64"), mimeType: mime });
    },
  );

  it.each([
    ["of more than 1 MiB", padded(media.png(20, 10), MiB + 1), /1048577 bytes\. At most 1048576 bytes are shown/],
    [
      "with a side of more than 8,000 pixels",
      media.png(10, 8_001),
      /10 x 8001 pixels.*longest side that is shown has 8000 pixels/,
    ],
  ])("never shows an image %s", async (_what, bytes, why) => {
    const { save, read, follow } = await setup();
    await save(bytes, "image/png");
    const { content } = await read();
    expect(content).toHaveLength(1);
    const text = textOf({ content });
    expect(text).toMatch(why);
    const page = await follow(text);
    expect(bytes.indexOf(Buffer.from(pageTextOf(page), "base64"))).toBe(0);
  });

  it("answers its bytes if a part or an encoding is asked for", async () => {
    const { save, read } = await setup();
    const bytes = media.png(20, 10);
    await save(bytes, "image/png");
    const page = pageTextOf(await read({ encoding: "base64", length: 6 }));
    expect(page).toBe(bytes.subarray(0, 6).toString("base64"));
    expect(pageTextOf(await read({ offset: 4 }))).toBe(bytes.subarray(4).toString("base64"));
    expect(pageTextOf(await read({ length: 4 }))).toBe(bytes.subarray(0, 4).toString("base64"));
  });

  it("answers pages for an image that is text, and for a part of any other type", async () => {
    const { save, read } = await setup();
    await save(Buffer.from("<svg/>"), "image/svg+xml");
    expect(pageTextOf(await read())).toBe("<svg/>");
    await save(media.png(1, 1), "x/y");
    expect(pageTextOf(await read({ length: MiB }))).toBe(media.png(1, 1).toString("base64"));
  });
});
