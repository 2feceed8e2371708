import { brotliDecompressSync, unzipSync } from "node:zlib";
import { decompressLz4Block } from "../compression/lz4.js";
import { decompressSnappy } from "../compression/snappy.js";
import { loadZstd } from "../compression/zstd.js";
import { Unreadable } from "../unreadable.js";

/** Turns the bytes of a page into exactly so many others. */
export type Decompress = (input: Uint8Array, bytes: number) => Uint8Array;

/** The decompressor of a codec, by its number in Parquet's CompressionCodec. @throws Unreadable if there is none */
export async function decompressorOf(codec: number): Promise<Decompress> {
  const decompress = codec === 6 ? await loadZstd() : codecs[codec]?.decompress;
  if (decompress === undefined) {
    throw new Unreadable(`The compression ${codecs[codec]?.name ?? codec} cannot be read.`, "unsupported");
  }
  return (input, bytes) => {
    const output = decompress(input, bytes);
    if (output.length !== bytes) throw new Unreadable("A page has another size than its header says.");
    return output;
  };
}

const codecs: Readonly<Record<number, { name: string; decompress?: Decompress }>> = {
  0: { name: "none", decompress: (input) => input },
  1: { name: "snappy", decompress: decompressSnappy },
  2: { name: "gzip", decompress: (input, bytes) => unzipSync(input, { maxOutputLength: Math.max(bytes, 1) }) },
  3: { name: "lzo" },
  4: {
    name: "brotli",
    decompress: (input, bytes) => brotliDecompressSync(input, { maxOutputLength: Math.max(bytes, 1) }),
  },
  5: { name: "lz4", decompress: lz4OfHadoop },
  7: { name: "lz4", decompress: lz4 },
};

function lz4(input: Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  return output.subarray(0, decompressLz4Block(input, output));
}

/** Hadoop writes blocks, each after its two lengths; other writers wrote a block alone under the same name. */
function lz4OfHadoop(input: Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  let to = 0;
  for (let at = 0; at < input.length; ) {
    if (input.length - at < 8) return lz4(input, bytes);
    const [plain, compressed] = [view.getUint32(at), view.getUint32(at + 4)];
    if (compressed > input.length - at - 8 || plain > bytes - to) return lz4(input, bytes);
    to = decompressLz4Block(input.subarray(at + 8, at + 8 + compressed), output, to);
    at += 8 + compressed;
  }
  return output.subarray(0, to);
}
