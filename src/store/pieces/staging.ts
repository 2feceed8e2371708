import { createHash, type Hash } from "node:crypto";
import { isStoreReplaced } from "../model/errors.js";
import { maxKeptDigests, maxOpenPieces, type PieceLimits } from "../model/limits.js";
import type { Piece, SessionRecord, SessionRow } from "../model/records.js";
import { missingPiece } from "../model/session-errors.js";
import { bytesOf, isUnfinished, splitPieces } from "../model/upload-session.js";
import type { ContentStore, PieceWriter } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Rows } from "../rows.js";
import { digestContent } from "./content-digest.js";
import type { FreedPieces } from "./freed-pieces.js";
import { PendingWrite } from "./pending-write.js";
import { openPieces } from "./piece-reader.js";

export interface StagingDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly freed: FreedPieces;
  readonly digests: Digests;
  readonly log: Log;
  readonly newId: () => string;
  readonly pieceLimits: PieceLimits;
}

/** A piece in the content store that this process writes. */
export interface OwnPiece {
  readonly writer: PieceWriter;
  /** Bytes of it that a row counts. */
  readonly bytes: number;
}

/** The digest of a session's first bytes, which stay what they are. */
export interface RunningDigest {
  readonly hash: Hash;
  readonly bytes: number;
}

/**
 * This process's part in the bytes of uploads: the pieces that it alone writes, kept open between calls, and the
 * digests of what it has seen.
 *
 * Where a method answers undefined, the session has changed since its row was read.
 */
export class Staging {
  readonly #dependencies: StagingDependencies;
  /** Both in the order of their last use. */
  readonly #pieces = new Map<string, OwnPiece>();
  readonly #digests = new Map<string, RunningDigest>();

  constructor(dependencies: StagingDependencies) {
    this.#dependencies = dependencies;
  }

  /** A place for the bytes that follow what the row counts. It is nobody else's until it has ended. */
  begin(row: SessionRow): PendingWrite {
    return new PendingWrite(this.#dependencies, this, row);
  }

  /** The row with as few pieces as it takes for another one. @throws ArtifactError `corrupt` */
  async withRoom(row: SessionRow): Promise<SessionRow | undefined> {
    const { maxPieces } = this.#dependencies.pieceLimits;
    return splitPieces(row.value.pieces).stored.length < maxPieces ? row : this.#fold(row);
  }

  /** The row with few enough pieces for a version, whose reader opens all of them. @throws ArtifactError `corrupt` */
  async withFewPieces(row: SessionRow): Promise<SessionRow | undefined> {
    const { maxPublishedPieces } = this.#dependencies.pieceLimits;
    return splitPieces(row.value.pieces).stored.length <= maxPublishedPieces ? row : this.#fold(row);
  }

  /** The row with no piece in a row: those are moved into the content store. @throws ArtifactError `corrupt` */
  async withoutRowPieces(first: SessionRow): Promise<SessionRow | undefined> {
    if (splitPieces(first.value.pieces).inRows.length === 0) return first;
    const row = await this.withRoom(first);
    if (row === undefined) return undefined;
    const pending = this.begin(row);
    return (await pending.spill()) ? pending.commit({}) : undefined;
  }

  /** Of all bytes that the row counts: 64 lower-case hex. @throws ArtifactError `corrupt` */
  async digest(row: SessionRow): Promise<string | undefined> {
    const { id, offset, digest } = row.value;
    if (digest?.bytes === offset) return digest.sha256;
    const known = this.#digests.get(id);
    if (known?.bytes === offset) return known.hash.copy().digest("hex");
    return this.#digestAnew(row);
  }

  /** The digest of all that the row counts, to go on with; undefined if this process has not seen all of it. */
  runningDigest({ id, offset }: SessionRecord): Hash | undefined {
    if (offset === 0) return createHash("sha256");
    const known = this.#digests.get(id);
    return known?.bytes === offset ? known.hash.copy() : undefined;
  }

  /** Bytes that the row counts. @throws ArtifactError `corrupt` */
  async read(row: SessionRow, start: number, length: number): Promise<Uint8Array | undefined> {
    const { id, pieces } = row.value;
    const reader = await openPieces(this.#dependencies, id, pieces);
    if (reader === undefined) return this.throwIfUnchanged(row);
    const found = await reader.read(start, length).finally(() => reader.close());
    if (found.length < length) return this.throwIfUnchanged(row);
    return found;
  }

  /** For pieces that are missing. @throws ArtifactError `corrupt` if the row still counts on them */
  async throwIfUnchanged(row: SessionRow): Promise<undefined> {
    const again = await this.#dependencies.rows.session(row.value.id);
    if (again?.text !== row.text) return undefined;
    throw missingPiece(row.value, row.value.pieces.map(({ name }) => name).join(", "));
  }

  /**
   * After a change from `was` to `next` that may have been made, or may be made later: finds out, and makes sure that it
   * stays so. `undefined` if that is not possible now: the pieces that `next` names have to stay then.
   *
   * @param cause what the change failed with
   * @param piece what `next` names and `was` does not
   */
  async settle(cause: unknown, was: SessionRow, next: SessionRow, piece: Piece): Promise<"made" | "never" | undefined> {
    if (isStoreReplaced(cause)) return undefined;
    try {
      for (;;) {
        const now = await this.#dependencies.rows.session(was.value.id);
        if (now === undefined) return undefined; // it was published or ended, and swept
        if (now.text === next.text) return "made";
        if (!isUnfinished(now.value)) return undefined; // a version may name it, or the sweep is removing it
        if (now.value.pieces.some(({ name, bytes }) => name === piece.name && bytes >= piece.bytes)) return "made";
        if (now.text !== was.text) return "never";
        const change = this.#dependencies.rows.begin();
        change.session(now, now.value); // a new revision: what compares the old one cannot happen any more
        if (await change.commit()) return "never";
      }
    } catch (error) {
      this.#dependencies.log("warn", "outcome_unknown", { session: was.value.id, error: String(error) });
      return undefined;
    }
  }

  /** The piece that this process may write on: the row's last one in the content store. It is given away by this. */
  takePiece({ id, pieces }: SessionRecord): OwnPiece | undefined {
    const own = this.#pieces.get(id);
    const last = splitPieces(pieces).stored.at(-1);
    if (own === undefined || own.writer.name !== last?.name || own.bytes !== last.bytes) return undefined;
    this.#pieces.delete(id);
    return own;
  }

  async keepPiece(id: string, piece: OwnPiece): Promise<void> {
    await this.#closePiece(id); // one that others have written behind since
    this.#pieces.set(id, piece);
    const [oldest] = this.#pieces.keys();
    if (this.#pieces.size > maxOpenPieces && oldest !== undefined) await this.#closePiece(oldest);
  }

  keepDigest(id: string, digest: RunningDigest): void {
    this.#digests.delete(id);
    this.#digests.set(id, digest);
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > maxKeptDigests && oldest !== undefined) this.#digests.delete(oldest);
  }

  /** This process has no part in the session any more. */
  async release(id: string): Promise<void> {
    this.#digests.delete(id);
    await this.#closePiece(id);
  }

  /** What was acknowledged of a piece is durable already, so a failing close loses nothing. */
  async closeQuietly(session: string, writer: PieceWriter): Promise<void> {
    const { log } = this.#dependencies;
    await writer.close().catch((error) => log("warn", "piece_close_failed", { session, error: String(error) }));
  }

  async close(): Promise<void> {
    for (const id of [...this.#pieces.keys()]) await this.release(id);
  }

  async #closePiece(id: string): Promise<void> {
    const own = this.#pieces.get(id);
    this.#pieces.delete(id);
    if (own !== undefined) await this.closeQuietly(id, own.writer);
  }

  /** One piece in the place of all that lie in the content store. */
  async #fold(row: SessionRow): Promise<SessionRow | undefined> {
    const { rows, content, freed } = this.#dependencies;
    const { id, pieces } = row.value;
    const { stored, inRows } = splitPieces(pieces);
    const name = await content.fold(id, stored, 0);
    if (name === undefined) return this.throwIfUnchanged(row);
    const folded: Piece = { name, bytes: bytesOf(stored) };
    const change = rows.begin();
    const next = change.session(row, { ...row.value, pieces: [folded, ...inRows] });
    const freedRow = change.free([{ session: id, pieces: stored }]);
    const isDone = await change.commit().catch(async (error) => {
      const outcome = await this.settle(error, row, next, folded);
      if (outcome === "made") return true;
      if (outcome === "never") await content.remove([{ session: id, name }]);
      throw error;
    });
    if (isDone) await freed.remove(freedRow);
    else await content.remove([{ session: id, name }]);
    return isDone ? next : undefined;
  }

  async #digestAnew(row: SessionRow): Promise<string | undefined> {
    const { id, pieces, offset } = row.value;
    const reader = await openPieces(this.#dependencies, id, pieces);
    if (reader === undefined) return this.throwIfUnchanged(row);
    const found = await digestContent(this.#dependencies.digests, reader, offset).finally(() => reader.close());
    return found.bytes < offset ? this.throwIfUnchanged(row) : found.sha256;
  }
}
