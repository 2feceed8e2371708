import { blockBytes, type Source } from "../source.js";
import { BrokenContentError, plainBytes } from "./byte-stream.js";

/** Reads content from its start to its end, a few bytes at a time, and skips what is not wanted. */
export interface SequentialReader {
  /** Bytes taken or skipped. */
  readonly position: number;
  /** Why the content ended before its end, if it is compressed and damaged. */
  readonly broken: string | undefined;
  /** The next bytes; fewer if the content ends. They are valid until the next call. @param length at most 32 MiB */
  take(length: number): Promise<Uint8Array>;
  /** Skips bytes, and returns how many there were. Skipping goes on only while `isOver` returns false. */
  skip(length: number, isOver: () => boolean): Promise<number>;
  /** Ends the reading. */
  close(): Promise<void>;
}

/** Small, because of an archive of large files only the headers are read. */
const windowBytes = blockBytes / 16;

/** Reads content that is not compressed. What is skipped is not read. */
export function createSeekingReader(source: Source): SequentialReader {
  let window: Uint8Array = new Uint8Array(0);
  let windowStart = 0;
  let position = 0;
  return {
    get position() {
      return position;
    },
    broken: undefined,
    async take(length) {
      const wanted = Math.min(length, source.bytes - position);
      if (wanted === 0) return new Uint8Array(0);
      if (position + wanted > windowStart + window.length) {
        window = await source.read(position, Math.min(Math.max(wanted, windowBytes), source.bytes - position));
        windowStart = position;
      }
      const taken = window.subarray(position - windowStart, position - windowStart + wanted);
      position += taken.length;
      return taken;
    },
    async skip(length) {
      const skipped = Math.min(length, source.bytes - position);
      position += skipped;
      return skipped;
    },
    close: async () => undefined,
  };
}

/** Reads what comes out of gzip. */
export function createUnpackingReader(source: Source): SequentialReader {
  const blocks = plainBytes(source, { compression: "gzip" });
  let block: Uint8Array = new Uint8Array(0);
  let position = 0;
  let broken: string | undefined;

  async function next(): Promise<boolean> {
    try {
      const { done, value } = await blocks.next();
      block = done ? new Uint8Array(0) : value;
      return !done;
    } catch (error) {
      if (!(error instanceof BrokenContentError)) throw error;
      broken = error.message;
      return false;
    }
  }

  function advance(length: number): Uint8Array {
    const part = block.subarray(0, length);
    block = block.subarray(part.length);
    position += part.length;
    return part;
  }

  return {
    get position() {
      return position;
    },
    get broken() {
      return broken;
    },
    async take(length) {
      if (block.length >= length) return advance(length);
      const parts: Uint8Array[] = [];
      for (let missing = length; missing > 0; ) {
        if (block.length === 0 && !(await next())) break;
        const part = advance(missing);
        missing -= part.length;
        parts.push(part);
      }
      return Buffer.concat(parts);
    },
    async skip(length, isOver) {
      let missing = length;
      while (missing > 0 && !isOver()) {
        if (block.length === 0 && !(await next())) break;
        missing -= advance(missing).length;
      }
      return length - missing;
    },
    async close() {
      await blocks.return();
    },
  };
}
