import { copyLiterals, copyMatch } from "./copy-match.js";

/**
 * Decompresses a block of LZ4 into `output`, from `start` on. A block may refer to what is before it in `output`.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 *
 * @returns where the block ended in `output`
 * @throws RangeError if the block is damaged, or does not fit
 */
function decompressLz4Block(input: Uint8Array, output: Uint8Array, start = 0): number {
  let from = 0;
  let to = start;
  const next = () => {
    const byte = input[from++];
    if (byte === undefined) throw new RangeError("a block of LZ4 breaks off");
    return byte;
  };
  const length = (nibble: number) => {
    let sum = nibble;
    if (nibble === 15) {
      let byte: number;
      do {
        byte = next();
        sum += byte;
      } while (byte === 255);
    }
    return sum;
  };
  while (from < input.length) {
    const token = next();
    const literals = length(token >> 4);
    to = copyLiterals(input, from, literals, output, to);
    from += literals;
    if (from >= input.length) break; // the last sequence has no match
    const distance = next() + next() * 256;
    to = copyMatch(output, to, distance, length(token & 15) + 4);
  }
  return to;
}

/**
 * Decompresses frames of LZ4. Checksums are not checked. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 * @param bytes the exact number of bytes that come out
 * @throws RangeError if they are damaged, or of another length
 */
export function decompressLz4Frames(input: Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  let to = 0;
  for (let at = 0; at < input.length; ) {
    if (view.getUint32(at, true) !== 0x184d2204) throw new RangeError("this is no frame of LZ4");
    const flags = view.getUint8(at + 4);
    const has = (flag: number, size: number) => ((flags & flag) === 0 ? 0 : size);
    at += 7 + has(0x08, 8) + has(0x01, 4);
    for (let head = view.getUint32(at, true); head !== 0; head = view.getUint32(at, true)) {
      const size = head & 0x7fffffff;
      const block = input.subarray(at + 4, at + 4 + size);
      const isPlain = head >>> 31 === 1;
      to = isPlain ? copyLiterals(block, 0, size, output, to) : decompressLz4Block(block, output, to);
      at += 4 + size + has(0x10, 4);
    }
    at += 4 + has(0x04, 4);
  }
  if (to !== bytes) throw new RangeError("LZ4 has another length than promised");
  return output;
}
