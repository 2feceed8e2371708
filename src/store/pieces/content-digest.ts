import { copyBlockBytes } from "../model/limits.js";
import type { ByteReader } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import { readAhead } from "./read-ahead.js";

export interface ReadContent {
  /** Number of bytes read. It is less than asked for if the content ends before. */
  readonly bytes: number;
  /** SHA-256 of these bytes: 64 lower-case hex. */
  readonly sha256: string;
}

/**
 * Reads the first `bytes` bytes of a content and digests them.
 *
 * @param onBlock called after each block, with its length
 */
export async function digestContent(
  digests: Digests,
  reader: ByteReader,
  bytes: number,
  onBlock?: (bytes: number) => void,
): Promise<ReadContent> {
  const digest = await digests.begin(bytes);
  try {
    let done = 0;
    const read = reader.read.bind(reader);
    for await (const block of readAhead(read, { start: 0, end: bytes, blockBytes: copyBlockBytes })) {
      await digest.update(block);
      done += block.length;
      onBlock?.(block.length);
    }
    return { bytes: done, sha256: await digest.hex() };
  } finally {
    digest.close();
  }
}
