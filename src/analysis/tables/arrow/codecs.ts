import { CompressionType, compressionRegistry } from "apache-arrow";
import { Unreadable } from "../unreadable.js";
import { loadZstd } from "../zstd.js";
import { decompressLz4Frames } from "./lz4.js";

/** Gives the library the compressions that a file can have. It comes with none. */
export async function registerCodecs(): Promise<void> {
  if (compressionRegistry.get(CompressionType.ZSTD) !== null) return;
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: (bytes) => exactly(bytes, decompressLz4Frames) });
  const zstd = await loadZstd();
  compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => exactly(bytes, zstd) });
}

/**
 * The library hands over a compressed buffer as a view that begins after the length of what comes out. That length has
 * been checked before (`checkBuffers`).
 */
function exactly(bytes: Uint8Array, decompress: (input: Uint8Array, bytes: number) => Uint8Array): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset - 8, 8).getBigInt64(0, true));
  const output = decompress(bytes, length);
  if (output.length !== length) throw new Unreadable("A buffer has another length than it says.");
  return output;
}
