/** The smallest buffer. All sizes are multiples of it, in bytes. */
const unitBytes = 64 * 1024;
/** The total size of the free buffers that the pool keeps. */
const maxFreeBytes = 32 * 1024 * 1024;
/** A free buffer may be this many times larger than asked for. */
const maxOversize = 8;

/** Reuses large buffers. Memory that is new to the process costs more time than what is done with it. */
export class BufferPool {
  /** The buffer that was given back first comes first. */
  readonly #free: Buffer[] = [];

  /** Returns a buffer of at least `bytes`, with arbitrary content. It belongs to the caller, who may give it back. */
  take(bytes: number): Buffer {
    const fitting = this.#smallestFitting(bytes);
    const [buffer] = fitting === -1 ? [] : this.#free.splice(fitting, 1);
    return buffer ?? Buffer.allocUnsafeSlow(Math.max(1, Math.ceil(bytes / unitBytes)) * unitBytes);
  }

  /** Call this at most once for each `take`, when nobody uses the buffer any more. */
  giveBack(buffer: Buffer): void {
    this.#free.push(buffer);
    let freeBytes = this.#free.reduce((sum, { length }) => sum + length, 0);
    while (freeBytes > maxFreeBytes) freeBytes -= this.#free.shift()?.length ?? freeBytes;
  }

  #smallestFitting(bytes: number): number {
    const maxBytes = Math.max(unitBytes, bytes * maxOversize);
    let smallest = Number.POSITIVE_INFINITY;
    let fitting = -1;
    this.#free.forEach(({ length }, at) => {
      if (length < bytes || length > maxBytes || length >= smallest) return;
      smallest = length;
      fitting = at;
    });
    return fitting;
  }
}

/** The one pool of this process. */
export const bufferPool = new BufferPool();

/** Lends `use` a buffer of at least `bytes`, with arbitrary content, until the promise that `use` returns settles. */
export async function withBuffer<Result>(bytes: number, use: (buffer: Buffer) => Promise<Result>): Promise<Result> {
  const buffer = bufferPool.take(bytes);
  try {
    return await use(buffer);
  } finally {
    bufferPool.giveBack(buffer);
  }
}
