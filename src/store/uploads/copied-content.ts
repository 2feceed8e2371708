import { ArtifactError } from "../model/errors.js";
import { toKey } from "../model/names/key-name.js";
import { hasVersion, type SessionRecord, type SessionRow, type Version } from "../model/records.js";
import { type CopiedPieces, type CopiedPiecesDependencies, copyPieces, removePieces } from "../pieces/copied-pieces.js";
import { settleOutcome } from "../pieces/settle-outcome.js";
import type { Ender } from "../publication/ender.js";
import { type Quota, storedIn } from "../publication/quota.js";
import type { Change, Rows } from "../rows.js";
import { type CopySource, checkFits, describedBy, findSource } from "./copy-source.js";
import type { CreateUpload } from "./new-session.js";

export interface CopiedContentDependencies extends CopiedPiecesDependencies {
  readonly rows: Rows;
  readonly ender: Ender;
  readonly quota: Quota;
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
      const need = { unfinishedBytes: version.bytes, ...storedIn(created.value.bucket, version.bytes) };
      const row = await quota.during(need, async () => {
        const copies = await copyPieces(this.#dependencies, version, created.value.id);
        return copies && this.#count(created, version, describedBy(version, created.value, upload), copies);
      });
      if (row !== undefined) return row;
      // A piece is gone. If the row still names the version, the piece was lost; else the version was deleted.
      if (hasVersion(await rows.artifact(source.bucket, toKey(source.key)), version)) {
        throw new ArtifactError("corrupt", "Stored bytes of that version are missing.", { next: "verify_store" });
      }
    }
  }

  /** @param record of the session, with what follows from its source */
  async #count(
    created: SessionRow,
    version: Version,
    record: SessionRecord,
    { pieces, bytes: inRow }: CopiedPieces,
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
      if (outcome === "never") await removePieces(this.#dependencies, id, pieces);
      throw error;
    });
    if (isDone) return next;
    await removePieces(this.#dependencies, id, pieces);
    throw tookTooLong();
  }
}

/** A sweep ended the hidden session before its content was copied. */
function tookTooLong(): ArtifactError {
  const message = "Creating the session took too long and was given up. No session was created.";
  return new ArtifactError("internal", message, { next: "call_again" });
}
