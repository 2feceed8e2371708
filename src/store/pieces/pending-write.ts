import type { Hash } from "node:crypto";
import { copyBlockBytes, type PieceLimits } from "../model/limits.js";
import type { Piece, SessionRecord, SessionRow } from "../model/records.js";
import { bytesOf, splitPieces } from "../model/upload-session.js";
import type { ContentStore, PieceWriter } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Rows } from "../rows.js";
import type { OwnPieces } from "./own-pieces.js";
import { readRowPieces } from "./piece-reader.js";
import type { RunningDigests } from "./running-digests.js";
import { settleOutcome } from "./settle-outcome.js";
import { throwIfUnchanged } from "./throw-if-unchanged.js";

export interface PendingWriteDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly log: Log;
  readonly newId: () => string;
  readonly pieceLimits: PieceLimits;
}

/** The piece in the content store that a write goes to. */
interface Target {
  readonly writer: PieceWriter;
  /** Bytes of the piece that a row counts already; 0 for a new piece. */
  readonly counted: number;
  /** The session's pieces before this one, all in the content store. */
  readonly front: readonly Piece[];
  /** Pieces in rows whose bytes were written to this piece first. */
  readonly moved: readonly Piece[];
}

/**
 * Bytes that follow those that a session's row counts, and that no row counts yet. A few bytes wait in memory and go to
 * a row of their own. More bytes go to a piece in the content store as they come.
 *
 * Exactly one of `commit` and `rollback` ends it. A `write` that throws has ended it too.
 */
export class PendingWrite {
  readonly #dependencies: PendingWriteDependencies;
  readonly #ownPieces: OwnPieces;
  readonly #digests: RunningDigests;
  #row: SessionRow;
  readonly #hash: Hash | undefined;
  #waiting: Uint8Array[] = [];
  #target: Target | undefined;
  #bytes = 0;
  /** The part written last. It is digested while the disk is busy with the next part, or with the sync. */
  #undigested: Uint8Array | undefined;

  constructor(dependencies: PendingWriteDependencies, ownPieces: OwnPieces, digests: RunningDigests, row: SessionRow) {
    this.#dependencies = dependencies;
    this.#ownPieces = ownPieces;
    this.#digests = digests;
    this.#row = row;
    this.#hash = digests.resume(row.value);
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds bytes. The caller must not change them until this write has ended.
   *
   * @returns false if the session has changed since its row was read; then none of the bytes can be counted
   */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#target === undefined && this.#fitsInRows(this.#bytes + bytes.length)) {
      if (bytes.length > 0) this.#waiting.push(bytes);
      this.#bytes += bytes.length;
      return true;
    }
    if (!(await this.spill())) return false;
    this.#bytes += bytes.length;
    await this.#append(bytes);
    return true;
  }

  /** Goes on from `row`: the session's row after a change by this process that left its bytes as they are. */
  rebase(row: SessionRow): void {
    this.#row = row;
  }

  /**
   * Moves the session's pieces in rows, and the bytes that wait in memory, into the content store.
   *
   * @returns as `write` does
   */
  async spill(): Promise<boolean> {
    if (this.#target !== undefined) return true;
    const { id, pieces, offset } = this.#row.value;
    const { stored, inRows } = splitPieces(pieces);
    const moved = await readRowPieces(this.#dependencies, id, inRows);
    if (moved === undefined || moved.length !== bytesOf(inRows)) {
      await throwIfUnchanged(this.#dependencies.rows, this.#row);
      return false;
    }
    const own = this.#ownPieces.take(this.#row.value);
    const writer = own?.writer ?? (await this.#dependencies.content.createPiece(id, offset - moved.length));
    const front = own === undefined ? stored : stored.slice(0, -1);
    this.#target = { writer, counted: own?.bytes ?? 0, front, moved: inRows };
    const waiting = this.#waiting;
    this.#waiting = [];
    await this.#orAbandon(writer.write(moved));
    for (const bytes of waiting) await this.#append(bytes);
    return true;
  }

  /**
   * Makes the bytes durable, then changes the session's row so that it counts them.
   *
   * @param changes other fields of the session's record that change with it
   * @returns the new row; undefined if another writer changed the session first, and then none of the bytes are kept
   */
  async commit(changes: Partial<SessionRecord>): Promise<SessionRow | undefined> {
    const row = await (this.#target === undefined
      ? this.#commitInRows(changes)
      : this.#commitTo(this.#target, changes));
    if (row !== undefined && this.#hash !== undefined) {
      this.#digests.keep(row.value.id, { hash: this.#hash, bytes: row.value.offset });
    }
    return row;
  }

  /** Gives the bytes up: cuts them off the piece, which is not written again. */
  async rollback(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    this.#waiting = [];
    if (target !== undefined) await this.#cutBack(target);
  }

  #fitsInRows(bytes: number): boolean {
    const { maxRowPieceBytes, maxRowChunkBytes, maxRowBytes, maxPieces } = this.#dependencies.pieceLimits;
    const { pieces, offset, size } = this.#row.value;
    if (offset + bytes === size && size > maxRowPieceBytes) return false; // publishing would move it out of the row
    const inRows = bytesOf(splitPieces(pieces).inRows);
    if (bytes > maxRowChunkBytes || inRows + bytes > maxRowBytes) return false;
    return pieces.length < maxPieces || this.#canMerge(bytes);
  }

  /** Whether the pieces in rows and `bytes` more bytes can become one piece in a row. */
  #canMerge(bytes: number): boolean {
    const { inRows } = splitPieces(this.#row.value.pieces);
    return inRows.length > 1 && bytesOf(inRows) + bytes <= this.#dependencies.pieceLimits.maxRowPieceBytes;
  }

  async #commitInRows(changes: Partial<SessionRecord>): Promise<SessionRow | undefined> {
    const { rows, newId } = this.#dependencies;
    const { id, offset, pieces } = this.#row.value;
    const added = this.#waiting;
    for (const bytes of added) this.#hash?.update(bytes);
    this.#waiting = [];
    const change = rows.begin();
    const { stored, inRows } = splitPieces(pieces);
    let next = pieces;
    if (added.length > 0) {
      const isMerged = pieces.length >= this.#dependencies.pieceLimits.maxPieces;
      const merged = isMerged ? await readRowPieces(this.#dependencies, id, inRows) : new Uint8Array();
      if (merged === undefined) return throwIfUnchanged(rows, this.#row);
      const bytes = joined(isMerged ? [merged, ...added] : added);
      const name = `${offset - merged.length}-${newId().slice(0, 16)}`;
      const piece: Piece = { name, bytes: bytes.length, in_row: true };
      change.putPiece(id, piece, bytes);
      if (isMerged) change.free([{ session: id, pieces: inRows }]);
      next = [...(isMerged ? stored : pieces), piece];
    }
    const row = change.session(this.#row, this.#counted(next, changes));
    const isDone = await change.commit(async () => (await rows.session(id))?.text === row.text || undefined);
    return isDone ? row : undefined;
  }

  async #commitTo(target: Target, changes: Partial<SessionRecord>): Promise<SessionRow | undefined> {
    const { rows } = this.#dependencies;
    const { id } = this.#row.value;
    const { writer, front, moved } = target;
    const synced = this.#orAbandon(writer.sync());
    this.#digest(undefined);
    await synced;
    const piece: Piece = { name: writer.name, bytes: target.counted + bytesOf(moved) + this.#bytes };
    const change = rows.begin();
    const row = change.session(this.#row, this.#counted([...front, piece], changes));
    change.free([{ session: id, pieces: moved }]);
    const isDone = await change.commit().catch(async (error) => {
      const outcome = await settleOutcome(this.#dependencies, error, this.#row, row, piece);
      if (outcome === "made") return true;
      this.#target = undefined;
      if (outcome === "never") await this.#cutBack(target);
      else await this.#ownPieces.closeQuietly(id, writer);
      throw error;
    });
    this.#target = undefined;
    if (isDone) await this.#ownPieces.keep(id, { writer, bytes: piece.bytes });
    else await this.#cutBack(target);
    return isDone ? row : undefined;
  }

  #counted(pieces: Piece[], changes: Partial<SessionRecord>): SessionRecord {
    const { value } = this.#row;
    return { ...value, offset: value.offset + this.#bytes, pieces, ...changes };
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const target = this.#target;
    for (let at = 0; at < bytes.length && target !== undefined; at += copyBlockBytes) {
      const part = bytes.subarray(at, at + copyBlockBytes);
      const written = this.#orAbandon(target.writer.write(part));
      this.#digest(part);
      await written;
    }
  }

  #digest(next: Uint8Array | undefined): void {
    if (this.#undigested !== undefined) this.#hash?.update(this.#undigested);
    this.#undigested = next;
  }

  /** Abandons the piece if `attempt` fails: after a failed write or sync a piece is never written again. */
  async #orAbandon(attempt: Promise<void>): Promise<void> {
    try {
      await attempt;
    } catch (error) {
      const target = this.#target;
      this.#target = undefined;
      if (target !== undefined) await this.#abandon(target);
      throw error;
    }
  }

  async #cutBack(target: Target): Promise<void> {
    const { id } = this.#row.value;
    if (target.counted === 0) return this.#abandon(target);
    await target.writer.truncate(target.counted).finally(() => this.#ownPieces.closeQuietly(id, target.writer));
  }

  /**
   * Ends the piece when no change has named the new bytes. Removes a new piece. Cuts a piece that a row names back to
   * the bytes that count.
   */
  async #abandon({ writer, counted }: Target): Promise<void> {
    const { content, log } = this.#dependencies;
    const { id } = this.#row.value;
    if (counted > 0) {
      // This process does not write the piece again, and a version may keep it for long. The cut frees its last bytes.
      await writer
        .truncate(counted)
        .catch((error) => log("warn", "piece_not_cut_back", { session: id, error: String(error) }));
      return this.#ownPieces.closeQuietly(id, writer);
    }
    await this.#ownPieces.closeQuietly(id, writer);
    await content
      .remove([{ session: id, name: writer.name }])
      .catch((error) => log("warn", "piece_left_behind", { session: id, error: String(error) }));
  }
}

/** A single part is returned without a copy. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
