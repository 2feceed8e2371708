import { ArtifactError, isStoreReplaced } from "../model/errors.js";
import type { SessionRecord, SessionRow } from "../model/records.js";
import { isEnded } from "../model/session-errors.js";
import type { Staging } from "../pieces/staging.js";
import type { Ender } from "../publication/ender.js";
import { type Quota, storedIn } from "../publication/quota.js";
import type { Rows } from "../rows.js";
import type { Appender } from "./appender.js";
import type { CreateUpload } from "./new-session.js";
import type { UploadCreation } from "./upload-creation.js";

export interface WholeSaveDependencies {
  readonly rows: Rows;
  readonly staging: Staging;
  readonly ender: Ender;
  readonly quota: Quota;
}

/** Saves content in one call, through a session that no caller sees. */
export class WholeSave {
  readonly #dependencies: WholeSaveDependencies;
  readonly #creation: UploadCreation;
  readonly #appender: Appender;
  readonly #publish: (row: SessionRow) => Promise<SessionRecord>;

  constructor(
    dependencies: WholeSaveDependencies,
    creation: UploadCreation,
    appender: Appender,
    publish: (row: SessionRow) => Promise<SessionRecord>,
  ) {
    this.#dependencies = dependencies;
    this.#creation = creation;
    this.#appender = appender;
    this.#publish = publish;
  }

  /**
   * Returns the session once it is complete. A save that fails ends its session.
   *
   * @throws ArtifactError `invalid_argument`, `version_conflict`, `idempotency_conflict`, `too_large`, `storage_full`;
   * `internal` if the session's time was over before the bytes were published
   */
  async save(upload: CreateUpload, bytes: Uint8Array): Promise<SessionRecord> {
    const { staging, ender, quota, rows } = this.#dependencies;
    const record = await this.#creation.newRecord({ ...upload, size: bytes.length }, false);
    const created = await this.#creation.insert(record);
    let storedBytes = 0;
    try {
      const row = await this.#appender.append(created, bytes);
      storedBytes = row === undefined ? 0 : bytes.length;
      if (row !== undefined) return await this.#publish(row);
    } catch (error) {
      await staging.release(record.id);
      const now = await rows.session(record.id).catch(() => undefined);
      // It failed after the change that decided, so the content is published.
      if (now?.value.status === "complete" && !isStoreReplaced(error)) return now.value;
      if (now !== undefined) await ender.end(now, "aborted").catch(() => undefined); // the sweep ends it later
      quota.freed(storedIn(record.bucket, storedBytes));
      throw isEnded(error) ? tookTooLong(error) : error;
    }
    throw tookTooLong();
  }
}

function tookTooLong(cause?: unknown): ArtifactError {
  const message = "Saving took too long and was given up. Nothing was saved.";
  return new ArtifactError("internal", message, { next: "call_again", cause });
}
