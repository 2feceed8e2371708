/** Reads bytes `[start, start + length)`. It may use `into` for the result. */
export type ReadInto = (start: number, length: number, into: Uint8Array) => Promise<Uint8Array>;

export interface ReadAhead {
  readonly start: number;
  readonly end: number;
  /** Length of each block, except that the last one may be shorter; ends early if the file does. */
  readonly blockBytes: number;
  /** At least two buffers of at least `blockBytes`, which are used in turn; two new ones by default. */
  readonly buffers?: readonly Uint8Array[] | undefined;
}

interface Reading {
  readonly length: number;
  readonly block: Promise<Uint8Array>;
}

/**
 * Yields bytes `[start, end)` in blocks. The next blocks are read while the caller uses one: one with two buffers, two
 * with three. The bytes of a block are valid only until the caller asks for the next one.
 */
export async function* readAhead(
  read: ReadInto,
  { start, end, blockBytes, buffers: given = [] }: ReadAhead,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers = [...given];
  const most = Math.max(2, given.length);
  const readings: Reading[] = [];
  let at = start;
  const begin = (): void => {
    while (readings.length + 1 < most && at < end) {
      const length = Math.min(blockBytes, end - at);
      const block = read(at, length, takeBuffer(buffers, length, most));
      block.catch(() => undefined); // the caller gets the error when it asks for this block
      readings.push({ length, block });
      at += length;
    }
  };
  try {
    begin();
    for (let reading = readings.shift(); reading !== undefined; reading = readings.shift()) {
      const block = await reading.block;
      if (block.length === reading.length) begin();
      if (block.length > 0) yield block;
      if (block.length < reading.length) return;
    }
  } finally {
    await Promise.allSettled(readings.map(({ block }) => block)); // after this the caller may close what is read from
  }
}

/** The buffer that was used longest ago. The first calls make new buffers if none were given. */
function takeBuffer(buffers: Uint8Array[], length: number, most: number): Uint8Array {
  const buffer = buffers.length < most ? Buffer.allocUnsafeSlow(length) : (buffers.shift() as Uint8Array);
  buffers.push(buffer);
  return buffer.subarray(0, length);
}
