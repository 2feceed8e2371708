import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { BrokenContentError, decodedText, plainBytes } from "../../../src/analysis/formats/byte-stream.js";
import type { Source } from "../../../src/analysis/source.js";
import { sourceOfBytes } from "../../support/byte-sources.js";

const gzip = { compression: "gzip" } as const;

async function read(source: Source): Promise<{ bytes: Buffer; error?: unknown }> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of plainBytes(source, gzip)) parts.push(part);
    return { bytes: Buffer.concat(parts) };
  } catch (error) {
    return { bytes: Buffer.concat(parts), error };
  }
}

test("unpacks several gzip files in a row", async () => {
  const [first, second] = [randomBytes(3_000_000), Buffer.alloc(5_000_000, "abc")];
  const packed = Buffer.concat([gzipSync(first), gzipSync(second)]);
  expect((await read(sourceOfBytes(packed))).bytes.equals(Buffer.concat([first, second]))).toBe(true);
});

test("gives all bytes that come before a cut", async () => {
  const content = Buffer.from("a,b\n".repeat(10));
  const packed = gzipSync(content);
  const { bytes, error } = await read(sourceOfBytes(packed.subarray(0, -4)));
  expect(bytes.equals(content)).toBe(true);
  expect(error).toBeInstanceOf(BrokenContentError);
  expect(error).toMatchObject({ bytesRead: 40, message: "The gzip data breaks off after 40 unpacked bytes." });

  const large = randomBytes(1_000_000);
  const cut = await read(sourceOfBytes(gzipSync(large).subarray(0, 500_000)));
  expect(cut.bytes.length).toBeGreaterThan(400_000);
  expect(cut.bytes.equals(large.subarray(0, cut.bytes.length))).toBe(true);
  expect(cut.error).toMatchObject({ bytesRead: cut.bytes.length });
});

test("gives bytes that come before damage", async () => {
  const content = randomBytes(3_000_000);
  const packed = gzipSync(content);
  packed.fill(0xff, 2_000_000, 2_000_100);
  const { bytes, error } = await read(sourceOfBytes(packed));
  expect(error).toBeInstanceOf(BrokenContentError);
  expect(bytes.length).toBeGreaterThan(1_990_000);
  const right = Math.min(bytes.length, 1_990_000);
  expect(bytes.subarray(0, right).equals(content.subarray(0, right))).toBe(true);
});

test("gives all bytes before a wrong checksum", async () => {
  const content = Buffer.from(Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`).join(""));
  const packed = gzipSync(content);
  packed.writeUInt32LE(packed.readUInt32LE(packed.length - 8) ^ 1, packed.length - 8);
  const { bytes, error } = await read(sourceOfBytes(packed));
  expect(bytes.equals(content)).toBe(true);
  expect(error).toMatchObject({ message: `The gzip data is damaged after ${content.length} unpacked bytes.` });
});

test.each(["garbage behind the end", "\n", "\n\n", "x".repeat(200_000)])(
  "ignores what follows and is no gzip (%#)",
  async (trailing) => {
    const content = randomBytes(600_000);
    const packed = Buffer.concat([gzipSync(content), gzipSync("second"), Buffer.from(trailing)]);
    const { bytes, error } = await read(sourceOfBytes(packed));
    expect(bytes.equals(Buffer.concat([content, Buffer.from("second")]))).toBe(true);
    expect(error).toBeUndefined();
  },
);

test("passes on an error of the source, and ends early", async () => {
  const packed = gzipSync(randomBytes(3_000_000));
  const whole = sourceOfBytes(packed);
  const failing: Source = {
    ...whole,
    read: async (start, length) => {
      if (start > 0) throw new Error("the disk is gone");
      return whole.read(start, length);
    },
  };
  expect((await read(failing)).error).toMatchObject({ message: "the disk is gone" });
  for await (const part of plainBytes(whole, gzip)) {
    expect(part.length).toBeGreaterThan(0);
    break;
  }
});

test("decodes text in parts, without the byte order mark", async () => {
  const text = `${"grün 😀 ".repeat(200_000)}\n`;
  for (const [encoding, content] of [
    ["utf-8", Buffer.from(`\ufeff${text}`)],
    ["utf-16le", Buffer.from(`\ufeff${text}`, "utf16le")],
    ["utf-16be", Buffer.from(`\ufeff${text}`, "utf16le").swap16()],
  ] as const) {
    let decoded = "";
    for await (const part of decodedText(sourceOfBytes(content), { encoding })) decoded += part;
    expect(decoded === text).toBe(true);
  }
  const parts = [];
  const latin = Buffer.from([0x80, 0x20, 0x93, 0x67, 0x72, 0xfc, 0x6e, 0x94]); // by https://encoding.spec.whatwg.org/index-windows-1252.txt
  for await (const part of decodedText(sourceOfBytes(latin), { encoding: "latin-1" })) parts.push(part);
  expect(parts.join("")).toBe("€ “grün”");
});
