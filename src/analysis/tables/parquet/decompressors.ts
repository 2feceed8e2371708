import { brotliDecompressSync, unzipSync } from "node:zlib";
import type { Compressors } from "hyparquet";
import type { Run } from "../../source.js";
import { loadZstd } from "../compression/zstd.js";
import { Unreadable } from "../unreadable.js";
import { mostBytesAtOnce, own } from "./parquet-file.js";

type Decompress = (input: Uint8Array, bytes: number) => Uint8Array;

/** Decompressors of pages, as the library wants them. Between two pages they look at the run. */
export async function loadDecompressors(run: Run): Promise<Compressors> {
  const { decompressSnappy, decompressLz4, decompressLz4Raw } = await import("hyparquet-compressors");
  const decompressors: Record<string, Decompress> = {
    SNAPPY: decompressSnappy,
    GZIP: (input, bytes) => unzipSync(input, { maxOutputLength: Math.max(bytes, 1) }),
    BROTLI: (input, bytes) => brotliDecompressSync(input, { maxOutputLength: Math.max(bytes, 1) }),
    LZ4: decompressLz4,
    ZSTD: await loadZstd(),
    LZ4_RAW: decompressLz4Raw,
  };
  return Object.fromEntries(
    Object.entries(decompressors).map(([codec, decompress]) => [codec, limited(decompress, run)]),
  );
}

function limited(decompress: Decompress, run: Run): Decompress {
  return (input, bytes) => {
    if (run.isOver()) throw new Unreadable("The time was over.", "time");
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
