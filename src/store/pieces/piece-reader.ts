import { type Piece, rowPieceName } from "../model/records.js";
import type { ByteReader, ContentStore } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";

/** The two places where pieces lie. */
export interface PieceStores {
  readonly metadata: Pick<MetadataStore, "pieces">;
  readonly content: Pick<ContentStore, "openPiece">;
}

/**
 * Opens one reader over pieces of one session, in order. Of each piece it reads the bytes that count. An open reader
 * still works after the pieces were removed. Returns undefined if one of the pieces is gone.
 */
export async function openPieces(
  stores: PieceStores,
  session: string,
  pieces: readonly Piece[],
): Promise<ByteReader | undefined> {
  const inRows = await bytesInRows(stores, session, pieces);
  const readers: ByteReader[] = [];
  const close = async (): Promise<void> => void (await Promise.all(readers.map((reader) => reader.close())));
  try {
    for (const piece of pieces) {
      const reader = piece.in_row ? readerOf(inRows.get(piece.name)) : await stores.content.openPiece(session, piece);
      if (reader === undefined) {
        await close();
        return undefined;
      }
      readers.push(reader);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const [only] = readers;
  if (only !== undefined && readers.length === 1) return only;
  return { read: (start, length, into) => readOver(readers, pieces, { start, length, into }), close };
}

/** All bytes of pieces that lie in rows, in order. Undefined if one of them is gone. */
export async function readRowPieces(
  stores: Pick<PieceStores, "metadata">,
  session: string,
  pieces: readonly Piece[],
): Promise<Buffer | undefined> {
  const found = await bytesInRows(stores, session, pieces);
  const parts = pieces.map(({ name }) => found.get(name));
  return parts.every((part) => part !== undefined) ? Buffer.concat(parts) : undefined;
}

/** The bytes of those pieces that lie in rows, by name. A piece that is gone is absent. */
async function bytesInRows(
  { metadata }: Pick<PieceStores, "metadata">,
  session: string,
  pieces: readonly Piece[],
): Promise<Map<string, Uint8Array>> {
  const inRows = pieces.filter((piece) => piece.in_row);
  const bytes = inRows.length === 0 ? [] : await metadata.pieces(inRows.map((piece) => rowPieceName(session, piece)));
  return new Map(
    inRows.flatMap(({ name }, index): [string, Uint8Array][] => {
      const found = bytes[index];
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

function readerOf(bytes: Uint8Array | undefined): ByteReader | undefined {
  return (
    bytes && {
      read: async (start, length) => bytes.subarray(start, start + length),
      close: async () => undefined,
    }
  );
}

interface Range {
  readonly start: number;
  readonly length: number;
  readonly into: Uint8Array | undefined;
}

/** Reads a range over several pieces. Stops at a piece that is shorter than its row says. */
async function readOver(
  readers: readonly ByteReader[],
  pieces: readonly Piece[],
  { start, length, into }: Range,
): Promise<Uint8Array> {
  const all = into ?? Buffer.allocUnsafe(length);
  let begins = 0;
  let done = 0;
  for (const [index, { bytes }] of pieces.entries()) {
    const from = Math.max(start - begins, 0);
    const to = Math.min(start + length - begins, bytes);
    begins += bytes;
    const reader = readers[index];
    if (from >= to || reader === undefined) continue;
    const part = await reader.read(from, to - from, all.subarray(done, done + to - from));
    all.set(part, done); // a reader may return another buffer
    done += part.length;
    if (part.length < to - from) break;
  }
  return all.subarray(0, done);
}
