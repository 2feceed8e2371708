import type { AsyncBuffer } from "hyparquet";
import { BoundedMap } from "../../../store/model/bounded-map.js";
import type { Source } from "../../source.js";
import { Unreadable } from "../unreadable.js";

/** What is read at once, and what a page may become. */
export const mostBytesAtOnce = 32 * 1024 * 1024;
const mostKeptBytes = 8 * 1024 * 1024;

/** A content as the library reads it. The last column chunks are kept for the next rows of the same row group. */
export class ParquetFile implements AsyncBuffer {
  readonly byteLength: number;
  readonly #source: Source;
  /** By their first and last byte, the last used one last. */
  readonly #kept = new BoundedMap<ArrayBuffer>(mostKeptBytes, ({ byteLength }) => byteLength);

  constructor(source: Source) {
    this.byteLength = source.bytes;
    this.#source = source;
  }

  /** Bytes `[start, end)`. @throws Unreadable if they do not lie between the marks of the file, or are too many */
  slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const bytes = this.#slice(start, end);
    bytes.catch(() => undefined); // the library asks for bytes early, and may fail before it waits for them
    return bytes;
  }

  async #slice(start: number, end: number): Promise<ArrayBuffer> {
    const areThere = start >= 4 && start <= end && end <= this.byteLength - 8;
    if (!areThere) throw new Unreadable("The footer names bytes that are not there.");
    if (end - start > mostBytesAtOnce) {
      throw new Unreadable(
        `A column has ${end - start} bytes in one part, more than the ${mostBytesAtOnce} that can be read at a time.`,
        "size",
      );
    }
    const name = `${start} ${end}`;
    const bytes = this.#kept.get(name) ?? (await this.#read(start, end));
    this.#kept.set(name, bytes);
    return bytes;
  }

  /** The buffer has nothing else: values with a wrong length must not reach what does not belong to them. */
  async #read(start: number, end: number): Promise<ArrayBuffer> {
    const bytes = await this.#source.read(start, end - start);
    if (bytes.length < end - start) throw new Unreadable("The content breaks off.");
    return own(bytes).buffer;
  }
}

/** The same bytes, alone in their buffer. */
export function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return isAlone ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
