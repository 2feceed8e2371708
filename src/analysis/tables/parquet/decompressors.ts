import { brotliDecompressSync, unzipSync } from "node:zlib";
import type { Compressors } from "hyparquet";
import { Unreadable } from "../unreadable.js";
import { loadZstd } from "../zstd.js";
import { mostBytesAtOnce, own } from "./parquet-file.js";

type Decompress = (input: Uint8Array, bytes: number) => Uint8Array;

/** Decompressors of pages, as the library wants them. What comes out is as large as the header of its page says. */
export async function loadDecompressors(): Promise<Compressors> {
  const { decompressSnappy, decompressLz4, decompressLz4Raw } = await import("hyparquet-compressors");
  const decompressors: Record<string, Decompress> = {
    SNAPPY: (input, bytes) => {
      if (snappyLength(input) !== bytes) throw new Unreadable("A page has another size than its header says.");
      return decompressSnappy(input, bytes);
    },
    GZIP: (input, bytes) => unzipSync(input, { maxOutputLength: Math.max(bytes, 1) }),
    BROTLI: (input, bytes) => brotliDecompressSync(input, { maxOutputLength: Math.max(bytes, 1) }),
    LZ4: decompressLz4,
    ZSTD: await loadZstd(),
    LZ4_RAW: decompressLz4Raw,
  };
  return Object.fromEntries(Object.entries(decompressors).map(([codec, decompress]) => [codec, limited(decompress)]));
}

function limited(decompress: Decompress): Decompress {
  return (input, bytes) => {
    if (bytes > mostBytesAtOnce) {
      throw new Unreadable(
        `A page has ${bytes} bytes, more than the ${mostBytesAtOnce} that can be read at a time.`,
        "size",
      );
    }
    const page = own(decompress(input, bytes));
    if (page.length !== bytes) throw new Unreadable("A page has another size than its header says.");
    return page;
  };
}

/** The length that Snappy begins with, in groups of 7 bits. The library does not compare it. */
function snappyLength(input: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = input[at] ?? 0;
    length += (byte & 0x7f) * 128 ** at;
    if (byte < 0x80) break;
  }
  return length;
}
