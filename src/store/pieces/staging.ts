import type { PieceLimits } from "../model/limits.js";
import type { Piece, SessionRow } from "../model/records.js";
import { bytesOf, splitPieces } from "../model/upload-session.js";
import type { ContentStore } from "../ports/content-store.js";
import type { Digests } from "../ports/digests.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Rows } from "../rows.js";
import { digestContent } from "./content-digest.js";
import type { FreedPieces } from "./freed-pieces.js";
import { OwnPieces } from "./own-pieces.js";
import { PendingWrite } from "./pending-write.js";
import { openPieces } from "./piece-reader.js";
import { RunningDigests } from "./running-digests.js";
import { settleOutcome } from "./settle-outcome.js";
import { throwIfUnchanged } from "./throw-if-unchanged.js";

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

/**
 * Writes and reads the bytes of upload sessions for this process. Between calls it keeps the pieces open that only this
 * process writes, and the digests of the bytes that it has seen.
 *
 * A method that returns undefined found that the session has changed since its row was read.
 */
export class Staging {
  readonly #dependencies: StagingDependencies;
  readonly #pieces: OwnPieces;
  readonly #digests = new RunningDigests();

  constructor(dependencies: StagingDependencies) {
    this.#dependencies = dependencies;
    this.#pieces = new OwnPieces(dependencies.log);
  }

  /** Begins a write of the bytes that follow those that the row counts. Only the caller uses it until it has ended. */
  begin(row: SessionRow): PendingWrite {
    return new PendingWrite(this.#dependencies, this.#pieces, this.#digests, row);
  }

  /**
   * Returns the row with room for one more piece: all pieces in the content store become one if there are too many.
   *
   * @throws ArtifactError `corrupt`
   */
  async withRoom(row: SessionRow): Promise<SessionRow | undefined> {
    const { maxPieces } = this.#dependencies.pieceLimits;
    return splitPieces(row.value.pieces).stored.length < maxPieces ? row : this.#fold(row);
  }

  /**
   * Returns the row with few enough pieces for a version: all pieces in the content store become one if there are too
   * many. A reader of a version has all its pieces open.
   *
   * @throws ArtifactError `corrupt`
   */
  async withFewPieces(row: SessionRow): Promise<SessionRow | undefined> {
    const { maxPublishedPieces } = this.#dependencies.pieceLimits;
    return splitPieces(row.value.pieces).stored.length <= maxPublishedPieces ? row : this.#fold(row);
  }

  /**
   * Returns the row without pieces in rows: these are moved into the content store.
   *
   * @throws ArtifactError `corrupt`
   */
  async withoutRowPieces(first: SessionRow): Promise<SessionRow | undefined> {
    if (splitPieces(first.value.pieces).inRows.length === 0) return first;
    const row = await this.withRoom(first);
    if (row === undefined) return undefined;
    const pending = this.begin(row);
    return (await pending.spill()) ? pending.commit({}) : undefined;
  }

  /** SHA-256 of all bytes that the row counts: 64 lower-case hex. @throws ArtifactError `corrupt` */
  async digest(row: SessionRow): Promise<string | undefined> {
    const { offset, digest } = row.value;
    if (digest?.bytes === offset) return digest.sha256;
    return this.#digests.hex(row.value) ?? this.#digestAnew(row);
  }

  /** Bytes `[start, start + length)`, all of which the row counts. @throws ArtifactError `corrupt` */
  async read(row: SessionRow, start: number, length: number): Promise<Uint8Array | undefined> {
    const { rows } = this.#dependencies;
    const { id, pieces } = row.value;
    const reader = await openPieces(this.#dependencies, id, pieces);
    if (reader === undefined) return throwIfUnchanged(rows, row);
    const found = await reader.read(start, length).finally(() => reader.close());
    if (found.length < length) return throwIfUnchanged(rows, row);
    return found;
  }

  /** Forgets the session's digest and closes its piece. Called when this process writes no more to the session. */
  async release(id: string): Promise<void> {
    this.#digests.drop(id);
    await this.#pieces.closePiece(id);
  }

  async close(): Promise<void> {
    await this.#pieces.closeAll();
  }

  /** Makes one piece of all the session's pieces in the content store. */
  async #fold(row: SessionRow): Promise<SessionRow | undefined> {
    const { rows, content, freed } = this.#dependencies;
    const { id, pieces } = row.value;
    const { stored, inRows } = splitPieces(pieces);
    const name = await content.fold(id, stored, 0);
    if (name === undefined) return throwIfUnchanged(rows, row);
    const folded: Piece = { name, bytes: bytesOf(stored) };
    const change = rows.begin();
    const next = change.session(row, { ...row.value, pieces: [folded, ...inRows] });
    const freedRow = change.free([{ session: id, pieces: stored }]);
    const isDone = await change.commit().catch(async (error) => {
      const outcome = await settleOutcome(this.#dependencies, error, row, next, folded);
      if (outcome === "made") return true;
      if (outcome === "never") await content.remove([{ session: id, name }]);
      throw error;
    });
    if (isDone) await freed.remove(freedRow);
    else await content.remove([{ session: id, name }]);
    return isDone ? next : undefined;
  }

  async #digestAnew(row: SessionRow): Promise<string | undefined> {
    const { rows, digests } = this.#dependencies;
    const { id, pieces, offset } = row.value;
    const reader = await openPieces(this.#dependencies, id, pieces);
    if (reader === undefined) return throwIfUnchanged(rows, row);
    const found = await digestContent(digests, reader, offset).finally(() => reader.close());
    return found.bytes < offset ? throwIfUnchanged(rows, row) : found.sha256;
  }
}
