import { saveGraceMs } from "../../model/limits.js";
import { type Piece, type SessionRow, type Version, versionOf } from "../../model/records.js";
import { completed } from "../../model/upload-session.js";
import {
  type CopiedPieces,
  type CopiedPiecesDependencies,
  copyPieces,
  removePieces,
} from "../../pieces/copied-pieces.js";
import type { Ender } from "../../publication/ender.js";
import type { Change, Rows } from "../../rows.js";
import { newSession } from "../../uploads/new-session.js";

export interface StagedCopiesDependencies extends CopiedPiecesDependencies {
  readonly rows: Rows;
  readonly ender: Ender;
  readonly nowSeconds: () => number;
}

/**
 * Copies of versions that no version names yet. Those in the content store lie under a session that nobody sees, so
 * that a sweep finds them if this process dies.
 */
export class StagedCopies {
  /** The session of the copies. It has no row as long as all of them lie in rows. */
  readonly id: string;
  readonly #dependencies: StagedCopiesDependencies;
  readonly #target: { readonly bucket: string; readonly key: string };
  readonly #signal: AbortSignal | undefined;
  /** By the number of the version that was copied, whose content never changes. */
  readonly #copies = new Map<number, CopiedPieces>();
  #row: SessionRow | undefined;
  /** A change that publishes the copies has failed, and may have been made or may still be made. */
  #isUnknown = false;

  constructor(
    dependencies: StagedCopiesDependencies,
    target: { readonly bucket: string; readonly key: string },
    signal: AbortSignal | undefined,
  ) {
    this.#dependencies = dependencies;
    this.#target = target;
    this.#signal = signal;
    this.id = dependencies.newId();
  }

  has({ version }: Version): boolean {
    return this.#copies.has(version);
  }

  of({ version }: Version): CopiedPieces {
    const found = this.#copies.get(version);
    if (found === undefined) throw new Error(`version ${version} is not copied`);
    return found;
  }

  /** Copies that are not of one of these versions. */
  besides(versions: readonly Version[]): readonly Piece[] {
    const numbers = versions.map(({ version }) => version);
    return [...this.#copies].flatMap(([number, { pieces }]) => (numbers.includes(number) ? [] : pieces));
  }

  /** Copies a version. Returns false if a piece of it is gone. @throws the reason of the signal if it is aborted */
  async add(version: Version): Promise<boolean> {
    this.#signal?.throwIfAborted();
    if (version.pieces.some((piece) => !piece.in_row)) this.#row ??= await this.#createSession(version);
    const copies = await copyPieces(this.#dependencies, version, this.id, this.#signal);
    this.#signal?.throwIfAborted();
    if (copies !== undefined) this.#copies.set(version.version, copies);
    return copies !== undefined;
  }

  /** Whether nobody has ended the session, as a sweep does if this process takes too long. */
  async isOpen(): Promise<boolean> {
    return this.#row === undefined || (await this.#dependencies.rows.session(this.id))?.text === this.#row.text;
  }

  /**
   * Makes the change that publishes the copies. Returns false if a row that it compares has changed.
   *
   * @param newest the newest version that names copies
   * @throws ArtifactError if it is not known whether the change was made
   */
  async commit(change: Change, newest: Version): Promise<boolean> {
    const { rows, nowSeconds } = this.#dependencies;
    const { bucket, key } = this.#target;
    if (this.#row !== undefined) {
      const { bytes } = newest;
      change.session(this.#row, completed({ ...this.#row.value, size: bytes, offset: bytes }, newest, nowSeconds()));
    }
    this.#isUnknown = true;
    const isDone = await change.commit(
      async () => versionOf(await rows.artifact(bucket, key), this.id) !== undefined || undefined,
    );
    this.#isUnknown = false;
    return isDone;
  }

  /** Ends the session and removes the copies, because they are not published. A failure is logged and left to the sweep. */
  async abandon(): Promise<void> {
    if (this.#row === undefined) return;
    const { ender, log } = this.#dependencies;
    const ended = await ender.end(this.#row, "aborted").catch((error) => {
      log("warn", "session_left_behind", { session: this.id, error: String(error) });
      return undefined;
    });
    // An aborted session is never published. If it is not known to be aborted, a version may name the copies.
    if (this.#isUnknown && ended?.value.status !== "aborted") return;
    await removePieces(this.#dependencies, this.id, this.besides([]));
  }

  async #createSession({ mime_type, bytes }: Version): Promise<SessionRow> {
    const { rows, nowSeconds } = this.#dependencies;
    const { bucket, key } = this.#target;
    const created_at = nowSeconds();
    const expires_at = created_at + saveGraceMs / 1000; // then a sweep gives it up
    const start = { id: this.id, is_listed: false, over: null, created_at, expires_at };
    const change = rows.begin();
    const row = change.session(undefined, newSession({ bucket, size: bytes }, { key, mime_type }, start));
    if (await change.commit()) return row;
    throw new Error(`session id ${this.id} was given twice`);
  }
}
