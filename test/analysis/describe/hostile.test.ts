import { deflateRawSync, gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { AnalysisThreads } from "../../../src/engines/threads/analysis-threads.js";
import type { AnalysedContent } from "../../../src/store/ports/analyses.js";
import { contentOfBytes, madeContent } from "../../support/byte-sources.js";
import * as media from "../../support/media.js";

/*
 * Each content is described in a thread, within the memory that the product gives. Where it is too large to be read in
 * the time, what comes back is what was known until then.
 */

const GB = 1e9;
const MiB = 1024 * 1024;
const events: string[] = [];
const threads = new AnalysisThreads((_level, event) => void events.push(event), {
  limits: { timeMs: 2_000, graceMs: 600_000, memoryBytes: 64 * MiB },
});
afterAll(() => threads.close());
const described = (content: AnalysedContent) => threads.run({ kind: "describe" }, [content]);

const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: bigint) => Buffer.from(BigUint64Array.of(value).buffer);

test("gzip that expands to 100 GB is described as far as the time goes", async () => {
  const member = gzipSync(Buffer.alloc(100 * MiB, "0123456\n"), { level: 9 });
  const content = madeContent("bomb.txt.gz", member.length * 1_000, [member]);
  const found = await described(content);
  expect(found).toMatchObject({
    format: "text",
    compression: "gzip",
    text: { line_ends: "lf", longest_line: { line: 1, bytes: 7 } },
    partial: { reason: "time" },
  });
  expect(found.text?.lines).toBeGreaterThan(1_000_000);
});

test("a tar archive in gzip that expands to 100 GB is described as far as the time goes", async () => {
  const header = tarHeader("zeros", "77777777777");
  const zeros = gzipSync(Buffer.alloc(100 * MiB), { level: 9 });
  const found = await described(madeContent("bomb.tgz", zeros.length * 1_000, [gzipSync(header), zeros]));
  expect(found).toMatchObject({
    format: "tar",
    archive: { entries: 1, list: [{ name: "zeros", bytes: 8_589_934_591 }] },
  });
  expect(found.partial?.reason).toBe("time");
});

test("a zip archive whose entries claim petabytes is described by its directory", async () => {
  const entry = (name: string) => ({ name, bytes: 2n ** 60n, packedBytes: 10n });
  const found = await described(
    contentOfBytes(zip64(Array.from({ length: 16 }, (_, index) => entry(`lib ${index}`))), "42.zip"),
  );
  expect(found).toMatchObject({ format: "zip", archive: { entries: 16, unpacked_bytes: Number.MAX_SAFE_INTEGER } });
  expect(found.archive?.list[15]).toEqual({ name: "lib 15", bytes: Number.MAX_SAFE_INTEGER });
});

test("a zip archive whose directory lies is described, and called damaged", async () => {
  const overlapping = zip64(
    Array.from({ length: 50 }, () => ({ name: "same", bytes: 2n ** 32n, packedBytes: 4_000n })),
  );
  expect((await described(contentOfBytes(overlapping, "x.zip"))).partial).toEqual({
    reason: "damaged",
    message: "The entries together are larger than the archive: they overlap, or their sizes are wrong.",
  });
  const more = zip64([{ name: "one", bytes: 1n, packedBytes: 1n }], 2n ** 40n);
  expect(await described(contentOfBytes(more, "x.zip"))).toMatchObject({
    archive: { entries: 1 },
    partial: { message: "The archive states 1099511627776 entries, and its directory has 1." },
  });
  // The directory is said to be as large as all that comes before it, and begins in a file.
  const end = Buffer.concat([
    Buffer.from("PK\x05\x06\0\0\0\0\x01\0\x01\0", "latin1"),
    u32(5_000),
    u32(0),
    Buffer.alloc(2),
  ]);
  const wrong = Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(4_996), end]);
  expect(await described(contentOfBytes(wrong, "x.zip"))).toMatchObject({
    archive: { entries: 0 },
    partial: { reason: "damaged" },
  });
});

test("JSON nested 100,000 deep is described", async () => {
  const nested = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  expect(await described(contentOfBytes(nested, "deep.json"))).toEqual({
    format: "json",
    mime_type: "application/json",
    text: expect.objectContaining({ lines: 1 }),
    json: { type: "array", size: 1, items: { type: "array", size: 1, items: { type: "array", size: 1 } } },
  });
  const objects = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
  expect((await described(contentOfBytes(objects, "deep"))).partial).toBeUndefined();
  const endless = madeContent("deep.json", GB, ["["]);
  expect((await described(endless)).partial).toBeDefined();
});

test("JSON with a text, a number or a name of 200 MB is described within the limits", async () => {
  const bytes = 200 * MiB;
  for (const beginning of ['["', "[1", '{"']) {
    const found = await described(madeContent("long.json", bytes, [beginning, "1"]));
    expect(found).toMatchObject({
      format: "json",
      text: { lines: 1 },
      json: { type: /\[/.test(beginning) ? "array" : "object" },
    });
    expect(found.partial).toBeDefined(); // cut, or over the time
  }
});

test("JSON with a million names is described by the first 50", async () => {
  const names = Array.from({ length: 300_000 }, (_, index) => `"${index}":${index}`);
  const found = await described(contentOfBytes(`{${names.join(",")}}`, "x.json"));
  expect(found.json?.size).toBe(300_000);
  expect(Object.keys(found.json?.members ?? {})).toHaveLength(50);
});

test("a picture of 100,000 x 100,000 pixels is described by its header", async () => {
  const image = { width: 100_000, height: 100_000 };
  const bmp = Buffer.concat([
    Buffer.from("BM"),
    Buffer.alloc(12),
    u32(40),
    u32(100_000),
    u32(-100_000 >>> 0),
    Buffer.alloc(28),
  ]);
  expect(await described(contentOfBytes(bmp, "x"))).toMatchObject({ format: "bmp", image });
  const png = await described(contentOfBytes(media.png(100_000, 100_000), "x"));
  expect(png).toEqual({ format: "png", mime_type: "image/png", image });
});

test("headers of models that lie are damage", async () => {
  const safetensors = (length: bigint) => Buffer.concat([u64(length), Buffer.from('{"a":{}}')]);
  expect(await described(contentOfBytes(safetensors(2n ** 60n), "model.safetensors"))).toMatchObject({
    format: "safetensors",
    tensors: { tensors: 0 },
    partial: { reason: "damaged" },
  });
  const huge = madeContent("model.safetensors", 100 * GB, [u64(99n * 10n ** 9n), "{"]);
  expect(await described(huge)).toMatchObject({ format: "safetensors", partial: { reason: "size" } });
  const deep = madeContent("model.safetensors", MiB + 8, [u64(BigInt(MiB)), '{"a":', "["]);
  expect(await described(deep)).toMatchObject({ format: "safetensors", partial: { reason: "damaged" } });
  const counts = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(2n ** 40n), u64(2n ** 40n)]);
  expect(await described(contentOfBytes(counts, "x"))).toMatchObject({
    format: "gguf",
    tensors: { tensors: 0, metadata: {} },
    partial: { reason: "damaged", message: "The header breaks off at byte 24." },
  });
  // Each entry has an empty name and the number 0.
  const endless = await described(
    madeContent("x", 10 * GB, [counts, Buffer.concat([u64(0n), u32(0), Buffer.alloc(1)])]),
  );
  expect(endless).toMatchObject({ format: "gguf", tensors: { metadata: { "": "0" } }, partial: { reason: "time" } });
  const arrays = Buffer.concat([
    counts,
    u64(0n),
    u32(9),
    ...Array.from({ length: 100 }, () => [u32(9), u64(1n)]).flat(),
  ]);
  expect((await described(contentOfBytes(arrays, "x"))).partial?.message).toBe(
    "An array is nested deeper than 8 levels.",
  );
});

test("a text of one endless line, and endless random bytes, are described", async () => {
  const line = await described(madeContent("x.txt", 300 * MiB, ["a"]));
  expect(line.text?.longest_line.line).toBe(1);
  const bytes = await described(madeContent("x.bin", 100 * GB, [deflateRawSync(Buffer.alloc(5_000_000, "0123"))]));
  expect(bytes.format).toBe("unknown");
});

test("nothing of this made a thread fail", () => {
  expect(events.filter((event) => /fail/.test(event))).toEqual([]);
});

function tarHeader(name: string, octalBytes: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write(octalBytes, 124);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

interface ClaimedEntry {
  readonly name: string;
  readonly bytes: bigint;
  readonly packedBytes: bigint;
}

/** A directory alone, in which every size is in a zip64 field. */
function zip64(entries: readonly ClaimedEntry[], stated = BigInt(entries.length)): Buffer {
  const start = Buffer.from("PK\x03\x04");
  const directory = Buffer.concat(
    entries.flatMap(({ name, bytes, packedBytes }) => {
      const header = Buffer.alloc(46);
      header.write("PK\x01\x02", "latin1");
      header.fill(0xff, 20, 28);
      header.writeUInt16LE(name.length, 28);
      header.writeUInt16LE(20, 30);
      return [header, Buffer.from(name), Buffer.from([1, 0, 16, 0]), u64(bytes), u64(packedBytes)];
    }),
  );
  const end = Buffer.alloc(56);
  end.write("PK\x06\x06", "latin1");
  end.writeBigUInt64LE(44n, 4);
  end.writeBigUInt64LE(stated, 32);
  end.writeBigUInt64LE(BigInt(directory.length), 40);
  end.writeBigUInt64LE(BigInt(start.length), 48);
  const locator = Buffer.concat([
    Buffer.from("PK\x06\x07\0\0\0\0", "latin1"),
    u64(BigInt(start.length + directory.length)),
    u32(1),
  ]);
  const last = Buffer.concat([Buffer.from("PK\x05\x06\0\0\0\0", "latin1"), Buffer.alloc(12, 0xff), Buffer.alloc(2)]);
  return Buffer.concat([start, directory, end, locator, last]);
}
