/** Reads bytes `[start, start + length)`, into the buffer where it takes one. */
export type ReadInto = (start: number, length: number, into: Uint8Array) => Promise<Uint8Array>;

/**
 * Bytes `[start, end)` in blocks, each of which is read while the one before it is used. They come in two buffers in
 * turn: the bytes of one are good until the next is asked for.
 *
 * @param blockBytes all blocks but the last have as many; a shorter one ends it, as the file ends there
 */
export async function* readAhead(
  read: ReadInto,
  { start, end, blockBytes }: { readonly start: number; readonly end: number; readonly blockBytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers: Uint8Array[] = [];
  let reading: Promise<Uint8Array> | undefined;
  const begin = (at: number): void => {
    const length = Math.min(blockBytes, end - at);
    reading = length > 0 ? read(at, length, takeBuffer(buffers, length)) : undefined;
    reading?.catch(() => undefined); // whoever asks for the block is told
  };
  try {
    begin(start);
    for (let at = start; reading !== undefined; ) {
      const block = await reading;
      if (block.length === 0) return;
      at += block.length;
      begin(at);
      yield block;
    }
  } finally {
    await reading?.catch(() => undefined); // what it reads from may be closed once this has ended
  }
}

/** The buffer of the block before the last one; the first two are new. */
function takeBuffer(buffers: Uint8Array[], length: number): Uint8Array {
  const buffer = buffers.length < 2 ? Buffer.allocUnsafeSlow(length) : (buffers.shift() as Uint8Array);
  buffers.push(buffer);
  return buffer.subarray(0, length);
}
