import { ArtifactError } from "../model/errors.js";
import { toKey } from "../model/names/key-name.js";
import { type Piece, type SessionRecord, type SessionRow, type Version, versionOf } from "../model/records.js";
import { bytesOf } from "../model/upload-session.js";
import { readRowPieces } from "../pieces/piece-reader.js";
import { settleOutcome } from "../pieces/settle-outcome.js";
import type { ContentStore } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { Ender } from "../publication/ender.js";
import type { Quota } from "../publication/quota.js";
import type { Change, Rows } from "../rows.js";
import { type CopySource, checkFits, describedBy, findSource } from "./copy-source.js";
import type { CreateUpload } from "./new-session.js";

export interface CopiedContentDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly ender: Ender;
  readonly quota: Quota;
  readonly newId: () => string;
  readonly log: Log;
}

/** Copies of a version's pieces, made for a session. */
interface Copies {
  readonly version: Version;
  readonly pieces: readonly Piece[];
  /** The bytes of the one piece in a row, if the content lies in rows. */
  readonly bytes: Uint8Array | undefined;
}

/** Lets a session begin with the content of a version. The engine copies the pieces; only pieces in rows are read. */
export class CopiedContent {
  readonly #dependencies: CopiedContentDependencies;

  constructor(dependencies: CopiedContentDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Gives a new session the content of a version, and returns its row. The session must be hidden: the change that gives
   * it the content lists it too, so that nobody can append to it before. Aborts the session if that fails.
   *
   * @param upload with `from`
   * @throws ArtifactError `artifact_not_found`, `storage_full`, `corrupt`, `size_exceeded`
   */
  async begin(created: SessionRow, upload: CreateUpload, source: CopySource): Promise<SessionRow> {
    const { ender, log } = this.#dependencies;
    try {
      return await this.#fill(created, upload, source);
    } catch (error) {
      const now = await this.#dependencies.rows.session(created.value.id).catch(() => created);
      if (now !== undefined && !now.value.is_listed) {
        await ender
          .end(now, "aborted")
          .catch((failure) => log("warn", "session_left_behind", { error: String(failure) }));
      }
      throw error;
    }
  }

  async #fill(created: SessionRow, upload: CreateUpload, source: CopySource): Promise<SessionRow> {
    const { quota, rows } = this.#dependencies;
    for (;;) {
      const version = await findSource(rows, source);
      checkFits(version, created.value);
      const need = { unfinishedBytes: version.bytes, storedBytes: version.bytes };
      const row = await quota.during(need, async () => {
        const copies = await this.#copy(created, version);
        return copies && this.#count(created, describedBy(version, created.value, upload), copies);
      });
      if (row !== undefined) return row;
      // A piece is gone. If the row still names the version, the piece was lost; else the version was deleted.
      if (versionOf(await rows.artifact(source.bucket, toKey(source.key)), version.session)) {
        throw new ArtifactError("corrupt", "Stored bytes of that version are missing.", { next: "verify_store" });
      }
    }
  }

  /** Returns undefined if a piece is gone. */
  async #copy({ value: { id } }: SessionRow, version: Version): Promise<Copies | undefined> {
    const { content, newId } = this.#dependencies;
    const pieces: Piece[] = [];
    for (const piece of version.pieces) {
      if (piece.in_row) continue;
      const name = await content.copy(version.session, piece, id, bytesOf(pieces)).catch(async (error) => {
        await this.#remove(id, pieces);
        throw error;
      });
      if (name === undefined) {
        await this.#remove(id, pieces);
        return undefined;
      }
      pieces.push({ name, bytes: piece.bytes });
    }
    const inRows = version.pieces.filter((piece) => piece.in_row);
    if (inRows.length === 0) return { version, pieces, bytes: undefined };
    const bytes = await readRowPieces(this.#dependencies, version.session, inRows);
    if (bytes === undefined) return undefined;
    const piece: Piece = { name: `0-${newId().slice(0, 16)}`, bytes: bytes.length, in_row: true };
    return { version, pieces: [piece], bytes };
  }

  /** @param record of the session, with what follows from its source */
  async #count(
    created: SessionRow,
    record: SessionRecord,
    { version, pieces, bytes: inRow }: Copies,
  ): Promise<SessionRow> {
    const { rows } = this.#dependencies;
    const { id, bucket, key, size } = record;
    const { bytes, sha256 } = version;
    const over = bytes === size ? await rows.lastNumber(bucket, key) : null;
    const change: Change = rows.begin();
    const next = change.session(created, {
      ...record,
      is_listed: true,
      offset: bytes,
      pieces: [...pieces],
      digest: { bytes, sha256 },
      over,
    });
    change.listSession(next.value);
    const [last] = pieces.slice(-1);
    if (inRow !== undefined && last !== undefined) change.putPiece(id, last, inRow);
    const isDone = await change.commit().catch(async (error) => {
      const outcome =
        last === undefined ? undefined : await settleOutcome(this.#dependencies, error, created, next, last);
      if (outcome === "made") return true;
      if (outcome === "never") await this.#remove(id, pieces);
      throw error;
    });
    if (isDone) return next;
    await this.#remove(id, pieces);
    throw tookTooLong();
  }

  async #remove(session: string, pieces: readonly Piece[]): Promise<void> {
    const names = pieces.filter((piece) => !piece.in_row).map(({ name }) => ({ session, name }));
    await this.#dependencies.content
      .remove(names)
      .catch((error) => this.#dependencies.log("warn", "pieces_left_behind", { session, error: String(error) }));
  }
}

/** A sweep ended the hidden session before its content was copied. */
function tookTooLong(): ArtifactError {
  const message = "Creating the session took too long and was given up. No session was created.";
  return new ArtifactError("internal", message, { next: "call_again" });
}
