import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describe } from "../../../src/analysis/describe/describe.js";
import { blockBytes, type Run, type Source } from "../../../src/analysis/source.js";
import { description as descriptionSchema } from "../../../src/api/description-schema.js";
import { endlessRun, sourceOfBytes } from "../../support/byte-sources.js";
import samples from "./samples.json" with { type: "json" };

/* describe() answers for any bytes. It reads no more than a block at once, and no byte many times. */

const png = readFileSync(new URL("../../../node_modules/vega-datasets/data/7zip.png", import.meta.url));
const contents: readonly (readonly [name: string, content: Buffer])[] = [
  ...Object.entries(samples).map(([name, { content }]) => [name, Buffer.from(content, "base64")] as const),
  ["x.json", Buffer.from('{"a": [1.5, true, null, "text \\u00fc"], "b": {"c": []}}')],
  ["x.json.gz", gzipSync(`[${'{"a": [1.5, true, null, "text"]}, '.repeat(20)}0]`)],
  ["x.txt", Buffer.from("\ufeffone\r\ntwo\n", "utf16le")],
  ["x.svg", Buffer.from('<svg width="10" height="20">\n</svg>')],
  ["small.svg", Buffer.from('<svg width="10.5" height="1234567890.5px"/>')],
  ["7zip.png", png],
];

async function describeCounted(content: Uint8Array, name: string, run: Run = endlessRun()) {
  const plain = sourceOfBytes(content, name);
  let bytesRead = 0;
  const counting: Source = {
    ...plain,
    async read(start, length) {
      expect(length).toBeLessThanOrEqual(blockBytes);
      expect(start + length).toBeLessThanOrEqual(plain.bytes);
      bytesRead += length;
      return plain.read(start, length);
    },
  };
  const description = await describe(counting, run);
  const { success, error } = descriptionSchema.safeParse(description);
  expect({ description, success, error }).toEqual({ description, success: true, error: undefined });
  // The beginning tells the format, the end of a zip archive where its directory is.
  // Damaged gzip is unpacked again in smaller parts, with three sizes of parts.
  expect(bytesRead).toBeLessThanOrEqual(plain.bytes * (name.endsWith("gz") ? 16 : 4) + 200);
  return description;
}

/** Every length near the ends, and then some between. */
function lengthsOf({ length }: Buffer): number[] {
  const near = 1_000;
  return Array.from({ length }, (_, index) => index).filter(
    (index) => index < near || length - index < near || index % 37 === 0,
  );
}

test.each(contents)("describes %s cut at any length", async (name, content) => {
  const whole = await describeCounted(content, name);
  expect(whole.partial).toBeUndefined();
  for (const length of lengthsOf(content)) {
    const found = await describeCounted(content.subarray(0, length), name);
    const isTold = found.format !== whole.format || found.partial !== undefined || found.text !== undefined;
    // What is missing may be told by nothing, as the pixels of a picture; then the facts must be right all the same.
    if (!isTold) expect({ length, found }).toEqual({ length, found: whole });
  }
});

test("describes contents of which some bytes are changed", async () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...contents), changes, async ([name, content], changed) => {
      const bytes = Buffer.from(content);
      for (const [at, byte] of changed) bytes[at % bytes.length] = byte;
      expect((await describeCounted(bytes, name)).format).toBeTypeOf("string");
    }),
    { numRuns: 3_000 },
  );
});

test("describes any bytes under any name", async () => {
  const names = fc.constantFrom(
    "x",
    "x.json",
    "x.gz",
    "x.tar.gz",
    "x.safetensors",
    "x.gguf",
    "x.zip",
    "x.svg",
    "x.txt",
  );
  const beginnings = fc.constantFrom(
    ...["", "GGUF\x03\0\0\0", "PK\x03\x04", "PK\x05\x06", "\x1f\x8b\x08\0", "II*\0", "MM\0*", "BM", "\xff\xd8\xff"],
    ...["\x89PNG\r\n\x1a\n", "GIF89a", "RIFF\0\0\0\0WEBPVP8X", "{", "[", "<svg", "\xff\xfe", "\xef\xbb\xbf", "%PDF-"],
  );
  await fc.assert(
    fc.asyncProperty(names, beginnings, fc.uint8Array({ maxLength: 400 }), async (name, beginning, rest) => {
      const bytes = Buffer.concat([Buffer.from(beginning, "latin1"), rest]);
      expect((await describeCounted(bytes, name)).format).toBeTypeOf("string");
    }),
    { numRuns: 5_000 },
  );
});

test("ends wherever the time is over", async () => {
  for (const [name, content] of contents) {
    for (let calls = 0; calls < 12; calls += 1) {
      let left = calls;
      const run: Run = {
        isOver: () => {
          left -= 1;
          return left < 0;
        },
        report: () => undefined,
      };
      const { partial } = await describeCounted(content, name, run);
      if (partial !== undefined) expect({ name, reason: partial.reason }).toEqual({ name, reason: "time" });
    }
  }
});

test("says that gzip is damaged, whatever is in it", async () => {
  const packed = gzipSync(png);
  expect(await describeCounted(packed, "7zip.png.gz")).toEqual({ format: "gzip", mime_type: "application/gzip" });
  const bytes = Buffer.from(packed);
  bytes.writeUInt32LE(bytes.readUInt32LE(bytes.length - 8) ^ 1, bytes.length - 8); // the checksum
  for (const broken of [packed.subarray(0, packed.length / 2), packed.subarray(0, 10), bytes]) {
    const found = await describeCounted(broken, "7zip.png.gz");
    expect(found).toMatchObject({ format: "gzip", partial: { reason: "damaged" } });
  }
});
