/** Reads bytes `[start, start + length)`. It may use `into` for the result. */
export type ReadInto = (start: number, length: number, into: Uint8Array) => Promise<Uint8Array>;

export interface ReadAhead {
  readonly start: number;
  readonly end: number;
  /** Length of each block, except that the last one may be shorter; ends early if the file does. */
  readonly blockBytes: number;
  /** Two buffers of at least `blockBytes`, which are used in turn; new ones by default. */
  readonly buffers?: readonly Uint8Array[] | undefined;
}

/**
 * Yields bytes `[start, end)` in blocks. Each block is read while the caller uses the block before it. Two buffers are
 * used in turn, so the bytes of a block are valid only until the caller asks for the next one.
 */
export async function* readAhead(
  read: ReadInto,
  { start, end, blockBytes, buffers: given = [] }: ReadAhead,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers = [...given];
  let reading: Promise<Uint8Array> | undefined;
  const begin = (at: number): void => {
    const length = Math.min(blockBytes, end - at);
    reading = length > 0 ? read(at, length, takeBuffer(buffers, length)) : undefined;
    reading?.catch(() => undefined); // the caller gets the error when it asks for this block
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
    await reading?.catch(() => undefined); // after this the caller may close what is read from
  }
}

/** The buffer of the block before the last one. The first two calls make new buffers if none were given. */
function takeBuffer(buffers: Uint8Array[], length: number): Uint8Array {
  const buffer = buffers.length < 2 ? Buffer.allocUnsafeSlow(length) : (buffers.shift() as Uint8Array);
  buffers.push(buffer);
  return buffer.subarray(0, length);
}
