import type { Hash } from "node:crypto";
import { copyBlockBytes } from "../model/limits.js";
import type { Piece, SessionRecord, SessionRow } from "../model/records.js";
import { bytesOf, splitPieces } from "../model/upload-session.js";
import type { PieceWriter } from "../ports/content-store.js";
import { readRowPieces } from "./piece-reader.js";
import type { Staging, StagingDependencies } from "./staging.js";

/** A piece in the content store that this write goes to. */
interface Target {
  readonly writer: PieceWriter;
  /** Bytes of it that a row counts already; 0 for a new one. */
  readonly before: number;
  /** The pieces in front of it, all in the content store. */
  readonly front: readonly Piece[];
  /** Pieces in rows whose bytes were written to it first. */
  readonly moved: readonly Piece[];
}

/**
 * Bytes that follow what a session's row counts, and that no row counts yet. Few bytes wait in memory, and go to a row
 * of their own; more go to a piece in the content store as they come. Exactly one of `commit` and `rollback` ends it;
 * a `write` that throws has ended it too.
 */
export class PendingWrite {
  readonly #dependencies: StagingDependencies;
  readonly #staging: Staging;
  #row: SessionRow;
  readonly #hash: Hash | undefined;
  #waiting: Uint8Array[] = [];
  #target: Target | undefined;
  #bytes = 0;
  /** Digested while the disk is busy with it. */
  #undigested: Uint8Array | undefined;

  constructor(dependencies: StagingDependencies, staging: Staging, row: SessionRow) {
    this.#dependencies = dependencies;
    this.#staging = staging;
    this.#row = row;
    this.#hash = staging.runningDigest(row.value);
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The bytes must stay as they are until it has ended.
   *
   * @returns false if the session has changed since its row was read: then nothing of it can be counted
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

  /** @param row the session as this process has just changed it, with the same bytes */
  rebase(row: SessionRow): void {
    this.#row = row;
  }

  /** Moves what lies in rows, and what waits, into the content store. @returns as `write` does */
  async spill(): Promise<boolean> {
    if (this.#target !== undefined) return true;
    const { id, pieces, offset } = this.#row.value;
    const { stored, inRows } = splitPieces(pieces);
    const moved = await readRowPieces(this.#dependencies, id, inRows);
    if (moved === undefined || moved.length !== bytesOf(inRows)) {
      await this.#staging.throwIfUnchanged(this.#row);
      return false;
    }
    const own = this.#staging.takePiece(this.#row.value);
    const writer = own?.writer ?? (await this.#dependencies.content.createPiece(id, offset - moved.length));
    const front = own === undefined ? stored : stored.slice(0, -1);
    this.#target = { writer, before: own?.bytes ?? 0, front, moved: inRows };
    const waiting = this.#waiting;
    this.#waiting = [];
    await this.#orAbandon(writer.write(moved));
    for (const bytes of waiting) await this.#append(bytes);
    return true;
  }

  /**
   * Makes the bytes durable and then makes them count.
   *
   * @param changes of the session's record beside its bytes
   * @returns the row; undefined if somebody else changed the session first, and nothing of it is kept
   */
  async commit(changes: Partial<SessionRecord>): Promise<SessionRow | undefined> {
    const row = await (this.#target === undefined
      ? this.#commitInRows(changes)
      : this.#commitTo(this.#target, changes));
    if (row !== undefined && this.#hash !== undefined) {
      this.#staging.keepDigest(row.value.id, { hash: this.#hash, bytes: row.value.offset });
    }
    return row;
  }

  /** Nobody counts these bytes: they are cut off again, and the piece is not written any more. */
  async rollback(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    this.#waiting = [];
    if (target !== undefined) await this.#cutBack(target);
  }

  #fitsInRows(bytes: number): boolean {
    const { maxRowPieceBytes, maxRowChunkBytes, maxRowBytes, maxPieces } = this.#dependencies.pieceLimits;
    const { pieces, offset, size } = this.#row.value;
    if (offset + bytes === size && size > maxRowPieceBytes) return false; // publishing would move it at once
    const inRows = bytesOf(splitPieces(pieces).inRows);
    if (bytes > maxRowChunkBytes || inRows + bytes > maxRowBytes) return false;
    return pieces.length < maxPieces || this.#canMerge(bytes);
  }

  /** All pieces in rows can become one. */
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
      if (merged === undefined) return this.#staging.throwIfUnchanged(this.#row);
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
    const piece: Piece = { name: writer.name, bytes: target.before + bytesOf(moved) + this.#bytes };
    const change = rows.begin();
    const row = change.session(this.#row, this.#counted([...front, piece], changes));
    change.free([{ session: id, pieces: moved }]);
    const isDone = await change.commit().catch(async (error) => {
      const outcome = await this.#staging.settle(error, this.#row, row, piece);
      if (outcome === "made") return true;
      this.#target = undefined;
      if (outcome === "never") await this.#cutBack(target);
      else await this.#staging.closeQuietly(id, writer);
      throw error;
    });
    this.#target = undefined;
    if (isDone) await this.#staging.keepPiece(id, { writer, bytes: piece.bytes });
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

  /** After a failed write or sync, a piece is never written again. */
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
    if (target.before === 0) return this.#abandon(target);
    await target.writer.truncate(target.before).finally(() => this.#staging.closeQuietly(id, target.writer));
  }

  /** No change has named the bytes. Those of a new piece go, and those behind a piece that a row names are cut off. */
  async #abandon({ writer, before }: Target): Promise<void> {
    const { content, log } = this.#dependencies;
    const { id } = this.#row.value;
    if (before > 0) {
      // Nothing is written there again. Cut off, it takes no room for as long as the version lives.
      await writer
        .truncate(before)
        .catch((error) => log("warn", "piece_not_cut_back", { session: id, error: String(error) }));
      return this.#staging.closeQuietly(id, writer);
    }
    await this.#staging.closeQuietly(id, writer);
    await content
      .remove([{ session: id, name: writer.name }])
      .catch((error) => log("warn", "piece_left_behind", { session: id, error: String(error) }));
  }
}

/** One of them is not copied. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
