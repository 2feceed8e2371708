import { count } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKey } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { hasVersion, type SessionRow, type Version, versionNumbered } from "../model/records.js";
import { closedError, unknownSession } from "../model/session-errors.js";
import { type CopiedPieces, type CopiedPiecesDependencies, copyPieces, removePieces } from "../pieces/copied-pieces.js";
import { settleOutcome } from "../pieces/settle-outcome.js";
import type { Ender } from "../publication/ender.js";
import type { Quota } from "../publication/quota.js";
import type { Change, Rows } from "../rows.js";

/** The version that a session begins with: the newest by default. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly version?: number | undefined;
}

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
   * Checks a request before its session is created.
   *
   * @param size of the whole content, in bytes; null if it is not declared
   * @throws ArtifactError `artifact_not_found`, `size_exceeded`, `invalid_argument`
   */
  async check(source: CopySource, size: number | null): Promise<void> {
    checkFits(await this.#find(source), size);
  }

  /**
   * Gives a new session the content of a version, and returns its row. Aborts the session if that fails.
   *
   * @throws ArtifactError `artifact_not_found`, `storage_full`, `corrupt`, `size_exceeded`
   */
  async begin(created: SessionRow, source: CopySource): Promise<SessionRow> {
    const { ender, log } = this.#dependencies;
    try {
      return await this.#fill(created, source);
    } catch (error) {
      const now = await this.#dependencies.rows.session(created.value.id).catch(() => created);
      if (now?.value.offset === 0) {
        await ender
          .end(now, "aborted")
          .catch((failure) => log("warn", "session_left_behind", { error: String(failure) }));
      }
      throw error;
    }
  }

  async #fill(created: SessionRow, source: CopySource): Promise<SessionRow> {
    const { quota } = this.#dependencies;
    for (;;) {
      const version = await this.#find(source);
      checkFits(version, created.value.size);
      const need = { unfinishedBytes: version.bytes, storedBytes: version.bytes };
      const row = await quota.during(need, async () => {
        const copies = await copyPieces(this.#dependencies, version, created.value.id);
        return copies && this.#count(created, version, copies);
      });
      if (row !== undefined) return row;
      // A piece is gone. If the row still names the version, the piece was lost; else the version was deleted.
      const now = await this.#dependencies.rows.artifact(source.bucket, toKey(source.key));
      if (hasVersion(now, version)) {
        throw new ArtifactError("corrupt", "Stored bytes of that version are missing.", { next: "verify_store" });
      }
    }
  }

  async #find({ bucket, key: name, version }: CopySource): Promise<Version> {
    checkBucket(bucket);
    const key = toKey(name);
    const row = await this.#dependencies.rows.liveArtifact(bucket, key);
    const found = versionNumbered(row?.value.versions ?? [], version);
    if (found !== undefined) return found;
    const what = version === undefined ? "artifact" : `version ${version} of`;
    const message = `There is no ${what} ${quote(key)} in bucket ${quote(bucket)}. Nothing was copied.`;
    throw new ArtifactError("artifact_not_found", message, { next: "see_artifacts", details: { bucket, key } });
  }

  async #count(created: SessionRow, version: Version, { pieces, bytes: inRow }: CopiedPieces): Promise<SessionRow> {
    const { rows } = this.#dependencies;
    const { id, bucket, key, size } = created.value;
    const { bytes, sha256 } = version;
    const over = bytes === size ? await rows.lastNumber(bucket, key) : null;
    const change: Change = rows.begin();
    const next = change.session(created, {
      ...created.value,
      offset: bytes,
      pieces: [...pieces],
      digest: { bytes, sha256 },
      over,
    });
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
    const now = await rows.session(id);
    throw now === undefined ? unknownSession(id) : closedError(now.value);
  }
}

/** @throws ArtifactError `size_exceeded` */
function checkFits({ bytes }: Version, size: number | null): void {
  if (size === null || bytes <= size) return;
  const message = `That version has ${count(bytes, "byte")}, and size is ${size}. size counts the whole content, including the bytes of that version. No session was created.`;
  throw new ArtifactError("size_exceeded", message, { next: "create_without_size", details: { bytes, size } });
}
