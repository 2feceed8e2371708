import type { Piece, Version } from "../model/records.js";
import { bytesOf } from "../model/upload-session.js";
import type { ContentStore } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { readRowPieces } from "./piece-reader.js";

export interface CopiedPiecesDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly newId: () => string;
  readonly log: Log;
}

/** Copies of a version's pieces under another session. No row names them yet. */
export interface CopiedPieces {
  readonly pieces: readonly Piece[];
  /** The bytes of the one piece in a row, if the content lies in rows. A change has to put them. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * Copies the pieces of a version for the session `to`. The engine copies those in the content store; only pieces in
 * rows are read. If it fails, nothing is left.
 *
 * @returns undefined if a piece is gone or cut short, or if `signal` is aborted
 */
export async function copyPieces(
  dependencies: CopiedPiecesDependencies,
  { session, pieces: from }: Pick<Version, "session" | "pieces">,
  to: string,
  signal?: AbortSignal,
): Promise<CopiedPieces | undefined> {
  const { content, newId } = dependencies;
  const pieces: Piece[] = [];
  for (const piece of from) {
    if (piece.in_row) continue;
    const name = await content.copy(session, piece, to, bytesOf(pieces), signal).catch(async (error) => {
      await removePieces(dependencies, to, pieces);
      throw error;
    });
    if (name === undefined) {
      await removePieces(dependencies, to, pieces);
      return undefined;
    }
    pieces.push({ name, bytes: piece.bytes });
  }
  const inRows = from.filter((piece) => piece.in_row);
  if (inRows.length === 0) return { pieces, bytes: undefined };
  const bytes = await readRowPieces(dependencies, session, inRows);
  if (bytes?.length !== bytesOf(inRows)) return undefined;
  const piece: Piece = { name: `0-${newId().slice(0, 16)}`, bytes: bytes.length, in_row: true };
  return { pieces: [piece], bytes };
}

/** Removes those pieces of a session that lie in the content store. A failure is logged and left to the sweep. */
export async function removePieces(
  { content, log }: Pick<CopiedPiecesDependencies, "content" | "log">,
  session: string,
  pieces: readonly Piece[],
): Promise<void> {
  const names = pieces.filter((piece) => !piece.in_row).map(({ name }) => ({ session, name }));
  await content.remove(names).catch((error) => log("warn", "pieces_left_behind", { session, error: String(error) }));
}
