import { createLineEndModule, type LineEndModule } from "./line-end-module.js";
import { lineFeeds, type TextEncoding } from "./text-format.js";

/** Counts line ends in blocks. */
export interface LineEndCounter {
  /** Buffers for blocks, if it counts those faster. */
  readonly buffers: readonly Uint8Array[];
  /** The number of line feeds. In UTF-16 the block begins with a whole unit; half a unit at its end is none. */
  count(block: Uint8Array, encoding: TextEncoding): number;
}

/**
 * A counter for much content: faster than it can be read, where the process can have WebAssembly.
 *
 * @param readBytes length of its buffers
 */
export function createFastCounter(readBytes: number): LineEndCounter {
  const module = createLineEndModule(bufferCount * readBytes);
  return module === undefined ? plainCounter : new ModuleCounter(module, readBytes);
}

/** A counter that needs nothing, for little content. */
export const plainCounter: LineEndCounter = {
  buffers: [],
  count(block, encoding) {
    const feed = lineFeeds[encoding];
    const [first, second] = feed;
    let found = 0;
    for (let at = 0; at + feed.length <= block.length; at += feed.length) {
      if (block[at] === first && (second === undefined || block[at + 1] === second)) found += 1;
    }
    return found;
  },
};

/** With three buffers the next read has begun when one ends, so that the disk does not wait for this thread. */
const bufferCount = 3;
/** Bytes that one step of the module counts. */
const stepBytes = 64;

/** Counts what was read into the memory of the module. */
class ModuleCounter implements LineEndCounter {
  readonly buffers: readonly Uint8Array[];
  readonly #module: LineEndModule;
  readonly #memory: ArrayBuffer;

  constructor(module: LineEndModule, readBytes: number) {
    this.#module = module;
    this.#memory = module.memory.buffer;
    const starts = Array.from({ length: bufferCount }, (_, n) => n * readBytes);
    this.buffers = starts.map((start) => new Uint8Array(this.#memory, start, readBytes));
  }

  count(block: Uint8Array, encoding: TextEncoding): number {
    if (block.buffer !== this.#memory) return plainCounter.count(block, encoding);
    const { byteOffset: at } = block;
    const end = at + block.length - (block.length % stepBytes);
    const feed = lineFeeds[encoding];
    const found =
      feed.length === 1
        ? this.#module.bytes(at, end, feed.readUInt8())
        : this.#module.units(at, end, feed.readUInt16LE());
    return found + plainCounter.count(block.subarray(end - at), encoding);
  }
}
