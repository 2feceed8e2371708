import type { BlobStore } from "./blob-store.js";
import type { Completion } from "./completion.js";
import { ArtifactError } from "./errors.js";
import type { Publisher } from "./publish.js";
import { withReserve } from "./reserve.js";
import type { Rows, SessionRow } from "./rows.js";
import type { Stage, Staging } from "./staging.js";
import { checkPromise, closedError, isFull, offsetConflict, statusAt, unknownSession } from "./upload-session.js";
import type { Usage } from "./usage.js";

export interface AppendingDependencies {
  readonly rows: Rows;
  readonly blobs: BlobStore;
  readonly staging: Staging;
  readonly publisher: Publisher;
  readonly usage: Usage;
  readonly nowSeconds: () => number;
  readonly sessionTtlMs: number;
  readonly maxArtifactBytes: number;
  /** Nothing is changed on the way of a read: neither published nor expired. */
  readonly readOnly: boolean;
}

/** What an append is made of, whether its bytes come at once or one after the other. */
export class Appending {
  readonly #dependencies: AppendingDependencies;
  readonly #completion: Completion;

  constructor(dependencies: AppendingDependencies, completion: Completion) {
    this.#dependencies = dependencies;
    this.#completion = completion;
  }

  /** The session now; one that is past its time is ended on the way. @throws ArtifactError `session_not_found` */
  async live(id: string): Promise<SessionRow> {
    const { rows, blobs, staging, publisher, nowSeconds, readOnly } = this.#dependencies;
    for (;;) {
      const row = await rows.session(id);
      if (row === undefined || row.value.origin === "save") throw unknownSession(id);
      const status = statusAt(row.value, nowSeconds());
      if (status === row.value.status) return row;
      if (readOnly) return { ...row, value: { ...row.value, status } };
      await staging.forget(id);
      await withReserve(blobs, () => publisher.end(row, "expired"));
    }
  }

  /**
   * Whether bytes that are stored already are the same; false where the session has changed meanwhile.
   *
   * @throws ArtifactError `offset_conflict` where they differ
   */
  async isReplay(row: SessionRow, offset: number, bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    const stored = await this.#storedBytes(row, offset, bytes.length);
    if (stored === undefined) {
      await this.#completion.throwIfUnchanged(row);
      return false;
    }
    if (Buffer.compare(stored, bytes) === 0) return true;
    throw offsetConflict(row.value, `The bytes at offset ${offset} are not those that were uploaded there before`);
  }

  /** Where bytes behind those that the row counts can be written; undefined where the session has changed meanwhile. */
  async begin(row: SessionRow): Promise<Stage | undefined> {
    const stage = await this.#dependencies.staging.begin(row.value);
    if (stage === undefined) await this.#completion.throwIfUnchanged(row);
    return stage;
  }

  /**
   * Makes what was staged durable, and then makes it count; undefined where somebody else changed the session first.
   *
   * @param sha256 of the whole, as whoever has sent these bytes says
   * @throws ArtifactError `storage_full`; `checksum_mismatch` where the upload is for other content
   */
  async count(row: SessionRow, stage: Stage, sha256?: string): Promise<SessionRow | undefined> {
    const { usage } = this.#dependencies;
    const need = { unfinishedBytes: stage.bytes, storedBytes: stage.bytes };
    let isChecked = false;
    try {
      checkPromise(row.value, sha256);
      return await usage.during(need, () => {
        isChecked = true;
        return this.#count(row, stage, sha256);
      });
    } finally {
      if (!isChecked) await stage.giveBack();
    }
  }

  async #count(row: SessionRow, stage: Stage, sha256?: string): Promise<SessionRow | undefined> {
    const { rows, nowSeconds } = this.#dependencies;
    await stage.sync();
    const offset = row.value.offset + stage.bytes;
    const counted = { ...row.value, offset, segments: stage.segments, expires_at: this.expiry(nowSeconds()) };
    // Whoever publishes what is full now may be another process, which has to know.
    const value = sha256 !== undefined && isFull(counted) ? { ...counted, sha256 } : counted;
    const now = await rows.replaceSession(row, value).catch(async (error) => {
      await stage.leave();
      throw error;
    });
    await (now ? stage.keep() : stage.giveBack());
    return now;
  }

  /** When a session that has just taken bytes expires, in unix seconds. */
  expiry(nowSeconds: number): number {
    return nowSeconds + Math.ceil(this.#dependencies.sessionTtlMs / 1000);
  }

  /** @throws ArtifactError `too_large` */
  checkArtifactBytes(bytes: number): void {
    const { maxArtifactBytes } = this.#dependencies;
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
  }

  /** Bytes that the row counts, wherever they lie by now; undefined where the row is out of date. */
  async #storedBytes(row: SessionRow, offset: number, length: number): Promise<Uint8Array | undefined> {
    const { staging, blobs } = this.#dependencies;
    const { status, artifact } = row.value;
    if (status !== "complete") return staging.read(row.value, offset, length);
    const reader = artifact && (await blobs.openBlob(artifact.session));
    if (!reader) throw closedError(row.value); // deleted since: there is nothing to compare with
    return reader.read(offset, length).finally(() => reader.close());
  }
}

export function artifactTooLarge(bytes: number, maxArtifactBytes: number): ArtifactError {
  return new ArtifactError(
    "too_large",
    `An artifact is at most ${maxArtifactBytes} bytes here, and this would be ${bytes}. Nothing was stored. Split the content over several keys, or ask the person who runs this server to raise --max-artifact-bytes.`,
    { bytes, max_artifact_bytes: maxArtifactBytes },
  );
}
