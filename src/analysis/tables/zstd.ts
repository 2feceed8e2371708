import * as zlib from "node:zlib";

/** Node has it from 22.15 on. */
type NativeZstd = (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

const native = (zlib as unknown as { zstdDecompressSync?: NativeZstd }).zstdDecompressSync;

/**
 * Returns a decompressor of Zstandard, which is loaded when it is needed first. It never uses more memory than the bytes
 * that it may return; whether these are all, its caller checks.
 */
export async function loadZstd(): Promise<(input: Uint8Array, bytes: number) => Uint8Array> {
  if (native !== undefined) return (input, bytes) => native(input, { maxOutputLength: Math.max(bytes, 1) });
  const { decompressZstd } = await import("hyparquet-compressors");
  // With an output of its own, the library does not trust the size in the frame.
  const decompress = decompressZstd as (input: Uint8Array, output: Uint8Array) => Uint8Array;
  return (input, bytes) => decompress(input, new Uint8Array(bytes));
}
