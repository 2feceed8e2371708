import { copyBlockBytes } from "../model/limits.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { BackupFiles } from "../ports/backup-files.js";
import type { ByteReader } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import { contentName } from "./backup-layout.js";

/** Content that cannot be read as it was saved. The message is the rest of a sentence that begins with "the content". */
export class UnreadableContent extends Error {
  override readonly name = "UnreadableContent";
}

export interface WantedContent {
  readonly bytes: number;
  /** What its digest must be; undefined if that is not known. */
  readonly sha256?: string | undefined;
}

/**
 * Reads a whole content in blocks. A block is valid until the next one is requested.
 *
 * @returns its digest
 * @throws UnreadableContent in place of the end, if it is cut short or another one
 */
export async function* wholeContent(
  digests: Digests,
  reader: Pick<ByteReader, "read">,
  { bytes, sha256 }: WantedContent,
): AsyncGenerator<Uint8Array, string, undefined> {
  const read = async (start: number, length: number, into: Uint8Array): Promise<Uint8Array> => {
    try {
      return await reader.read(start, length, into);
    } catch (cause) {
      throw unreadable(cause);
    }
  };
  const digest = await digests.begin(bytes);
  try {
    let done = 0;
    for await (const block of readAhead(read, { start: 0, end: bytes, blockBytes: copyBlockBytes })) {
      await digest.update(block);
      done += block.length;
      yield block;
    }
    if (done < bytes) throw new UnreadableContent(`ends after ${done} of ${bytes} bytes`);
    const found = await digest.hex();
    if (sha256 !== undefined && found !== sha256)
      throw new UnreadableContent("is not what was saved: its SHA-256 differs");
    return found;
  } finally {
    digest.close();
  }
}

/** @param cause the error of an engine */
export function unreadable(cause: unknown): UnreadableContent {
  const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
  return new UnreadableContent(`cannot be read (${why})`, { cause });
}

/**
 * Writes a content to a backup, under its digest, which it returns.
 *
 * @param onBlock called after each block, with its length; may throw to end the copy
 * @throws UnreadableContent, and the errors of `files`; nothing is left in the backup
 */
export async function copyContent(
  digests: Digests,
  reader: Pick<ByteReader, "read">,
  wanted: WantedContent,
  files: BackupFiles,
  onBlock: (bytes: number) => void,
): Promise<string> {
  const draft = await files.create();
  try {
    const blocks = wholeContent(digests, reader, wanted);
    let next = await blocks.next();
    try {
      for (; next.done !== true; next = await blocks.next()) {
        await draft.write(next.value);
        onBlock(next.value.length);
      }
    } finally {
      await blocks.return(""); // if a write failed, no block is being read any more when the caller closes the reader
    }
    await draft.commit(contentName(next.value));
    return next.value;
  } finally {
    await draft.discard();
  }
}
