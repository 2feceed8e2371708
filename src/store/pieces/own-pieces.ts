import { maxOpenPieces } from "../model/limits.js";
import type { SessionRecord } from "../model/records.js";
import { splitPieces } from "../model/upload-session.js";
import type { PieceWriter } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";

/** A piece in the content store that this process writes. */
export interface OwnPiece {
  readonly writer: PieceWriter;
  /** Bytes of the piece that a row counts. */
  readonly bytes: number;
}

/** Pieces that only this process writes. They stay open between calls, at most `maxOpenPieces` of them. */
export class OwnPieces {
  readonly #log: Log;
  /** By session, least recently used first. */
  readonly #pieces = new Map<string, OwnPiece>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * The piece that this process may go on writing: the last piece in the content store that the record names. Undefined
   * if this process does not have it open. The caller owns the piece from then on.
   */
  take({ id, pieces }: SessionRecord): OwnPiece | undefined {
    const own = this.#pieces.get(id);
    const last = splitPieces(pieces).stored.at(-1);
    if (own === undefined || own.writer.name !== last?.name || own.bytes !== last.bytes) return undefined;
    this.#pieces.delete(id);
    return own;
  }

  async keep(id: string, piece: OwnPiece): Promise<void> {
    await this.closePiece(id); // closes an earlier piece: another process has added a piece after it
    this.#pieces.set(id, piece);
    const [oldest] = this.#pieces.keys();
    if (this.#pieces.size > maxOpenPieces && oldest !== undefined) await this.closePiece(oldest);
  }

  /** Closes the session's piece, if this process has one open. */
  async closePiece(id: string): Promise<void> {
    const own = this.#pieces.get(id);
    this.#pieces.delete(id);
    if (own !== undefined) await this.closeQuietly(id, own.writer);
  }

  /** A failed close is only logged: the acknowledged bytes of a piece are durable already. */
  async closeQuietly(session: string, writer: PieceWriter): Promise<void> {
    await writer.close().catch((error) => this.#log("warn", "piece_close_failed", { session, error: String(error) }));
  }

  async closeAll(): Promise<void> {
    for (const id of [...this.#pieces.keys()]) await this.closePiece(id);
  }
}
