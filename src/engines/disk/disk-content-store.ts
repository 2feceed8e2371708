import type { FileHandle } from "node:fs/promises";
import { ArtifactError } from "../../store/model/errors.js";
import type { ByteReader, ContentStore, PieceWriter } from "../../store/ports/content-store.js";
import type { Log } from "../../store/ports/log.js";
import { translatingMethods } from "../engine-error.js";
import { readAt } from "../file-system.js";
import { createDiskCheck } from "./disk-check.js";
import { createDiskListing } from "./disk-listing.js";
import { DiskReserve } from "./disk-reserve.js";
import { readFormat, writeMark } from "./format-file.js";
import { PieceFiles } from "./piece-files.js";
import { blockBytes } from "./piece-writer.js";
import { shardOf } from "./shards.js";

/**
 * Content as files in the folder `root`, which must exist:
 *
 *     content/<shard>/<session>.<start>-<random>   pieces
 *     format                                       the mark, in the second line
 *     reserve                                      1 MiB to give up on a full disk, once there is 1 MiB of content
 *     orphans/<time>/                              files that were set aside
 */
export function createDiskContentStore(
  root: string,
  log: Log,
  reserve: DiskReserve = new DiskReserve(root, log),
): ContentStore {
  const files = new PieceFiles(root, (bytes) => reserve.grow(bytes));
  const { pathOf, ...listing } = createDiskListing(root);
  const methods = translatingMethods<Omit<ContentStore, "shardOf" | "pathOf">>({
    createPiece: (session, start) => files.begin(session, start),
    async openPiece(session, { name, bytes }) {
      const file = await files.find({ session, name });
      return file && readerOf(file, bytes);
    },
    fold: (session, pieces, start) =>
      files.make(session, start, async (writer) => {
        for (const { name, bytes } of pieces) {
          const file = await files.find({ session, name });
          if (file === undefined) return false;
          await closingAfter(file, () => copyBytes(file, bytes, writer));
        }
        return true;
      }),
    async copy(from, { name, bytes }, to, start, signal) {
      const file = await files.find({ session: from, name });
      if (file === undefined) return undefined;
      return closingAfter(file, async () => {
        // A link is safe: the piece belongs to a published version, whose session takes no more bytes. A process that
        // lost a race may still write after the first `bytes`, and then cuts the file back to them. It never changes
        // the bytes before. If the file is longer than `bytes`, the copy is a real one, without the bytes after them.
        const { size } = await file.stat();
        const linked = size === bytes ? await files.share(file, { session: from, name }, to, start) : undefined;
        if (linked !== undefined) return linked;
        return files.make(to, start, (writer) => copyBytes(file, bytes, writer, signal));
      });
    },
    remove: (pieces) => files.remove(pieces),
    readMark: async () => (await readFormat(root))?.mark,
    writeMark: (text) => writeMark(root, text),
    check: createDiskCheck(root),
    ...listing,
    releaseReserve: () => reserve.release(),
    restoreReserve: () => reserve.restore(),
  });
  return { ...methods, shardOf, pathOf };
}

function readerOf(file: FileHandle, bytes: number): ByteReader {
  return translatingMethods<ByteReader>({
    read: (start, length, into) => readAt(file, start, Math.max(0, Math.min(length, bytes - start)), into),
    close: () => file.close(),
  });
}

/**
 * Appends the first `bytes` bytes of a file to a piece.
 *
 * @returns false if `signal` was aborted before the end
 * @throws ArtifactError `corrupt` if the file has fewer bytes
 */
async function copyBytes(file: FileHandle, bytes: number, writer: PieceWriter, signal?: AbortSignal): Promise<boolean> {
  for (let at = 0; at < bytes; at += blockBytes) {
    if (signal?.aborted) return false;
    const wanted = Math.min(blockBytes, bytes - at);
    // Into a new buffer each time, because the writer keeps it until it is written.
    const block = await readAt(file, at, wanted);
    if (block.length < wanted) {
      const message = `A piece of content has ${at + block.length} bytes on the disk, but ${bytes} bytes were acknowledged.`;
      throw new ArtifactError("corrupt", message, { next: "verify_store" });
    }
    await writer.write(block);
  }
  return true;
}

async function closingAfter<Result>(file: FileHandle, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } finally {
    await file.close();
  }
}
