import type { SessionRecord, SessionRow } from "../model/records.js";
import {
  artifactTooLarge,
  checkAnnounced,
  closedError,
  contentDiffers,
  unknownSession,
} from "../model/session-errors.js";
import { statusAt } from "../model/upload-session.js";
import type { PendingWrite } from "../pieces/pending-write.js";
import { openPieces } from "../pieces/piece-reader.js";
import type { Staging } from "../pieces/staging.js";
import type { ContentStore } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { type Quota, type Reservation, storedIn } from "../publication/quota.js";
import type { StoreClock } from "../publication/store-clock.js";
import type { Rows } from "../rows.js";

export interface AppenderDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly staging: Staging;
  readonly quota: Quota;
  readonly clock: StoreClock;
  readonly sessionTtlMs: number;
  readonly maxArtifactBytes: number;
}

/** Bytes that no row counts yet, and the quota that is reserved for them. */
export interface PendingAppend {
  readonly pending: PendingWrite;
  readonly reservation: Reservation;
}

interface TakeOptions {
  readonly reservation: Reservation;
  /** A new one by default. */
  readonly pending?: PendingWrite | undefined;
}

/** The steps of an append. Chunks and streams take the same steps. */
export class Appender {
  readonly #dependencies: AppenderDependencies;

  constructor(dependencies: AppenderDependencies) {
    this.#dependencies = dependencies;
  }

  /** The session now, with the status `expired` if its time is over. @throws ArtifactError `session_not_found` */
  async current(id: string): Promise<SessionRow> {
    const { rows, clock } = this.#dependencies;
    const row = await rows.session(id);
    if (!row?.value.is_listed) throw unknownSession(id);
    const status = statusAt(row.value, clock.nowSeconds());
    return status === row.value.status ? row : { ...row, value: { ...row.value, status } };
  }

  /**
   * Compares bytes with those that are stored at the same offset.
   *
   * @returns true if they are the same; false if the session has changed since its row was read
   * @throws ArtifactError `offset_conflict` if they differ
   */
  async isReplay(row: SessionRow, offset: number, bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    const stored = await this.#storedBytes(row, offset, bytes.length);
    if (stored === undefined) return false;
    if (Buffer.compare(stored, bytes) === 0) return true;
    const differs = bytes.findIndex((byte, index) => byte !== stored[index]);
    throw contentDiffers(row.value, offset + differs);
  }

  /** Reserves quota for more bytes. @throws ArtifactError `storage_full`; an earlier reservation stays */
  async reserve({ value }: SessionRow, arriving: PendingAppend | undefined, bytes: number): Promise<Reservation> {
    const reservation = arriving?.reservation ?? this.#dependencies.quota.reserve();
    await reservation.grow({ unfinishedBytes: value.is_listed ? bytes : 0, ...storedIn(value.bucket, bytes) });
    return reservation;
  }

  /**
   * Makes room for another piece in the row.
   *
   * @returns undefined if the session has changed since its row was read; the reservation is released then
   */
  async withRoom(row: SessionRow, reservation: Reservation): Promise<SessionRow | undefined> {
    const found = await this.#dependencies.staging.withRoom(row).catch((error) => {
      reservation.release();
      throw error;
    });
    if (found === undefined) reservation.release();
    return found;
  }

  /**
   * Writes new bytes behind those that the row counts, and behind those that are pending.
   *
   * @returns undefined if the session has changed since its row was read: the pending bytes are rolled back
   * @throws ArtifactError `storage_full`; no pending bytes are kept
   */
  async take(
    row: SessionRow,
    { reservation, pending = this.#dependencies.staging.begin(row) }: TakeOptions,
    bytes: Uint8Array,
  ): Promise<PendingAppend | undefined> {
    try {
      if (await pending.write(bytes)) return { pending, reservation };
      await pending.rollback();
    } catch (error) {
      reservation.release();
      throw error;
    }
    reservation.release();
    return undefined;
  }

  /** Writes new bytes and counts them in the session's row. Returns undefined if another call changed the row first. */
  async append(row: SessionRow, bytes: Uint8Array): Promise<SessionRow | undefined> {
    const reservation = await this.reserve(row, undefined, bytes.length);
    const roomy = await this.withRoom(row, reservation);
    const arriving = roomy && (await this.take(roomy, { reservation }, bytes));
    return roomy && arriving && this.count(roomy, arriving);
  }

  /**
   * Makes the pending bytes durable, and then counts them in the session's row.
   *
   * @param sha256 of the whole content, as the sender of these bytes says
   * @returns undefined if another call changed the session first: the pending bytes are not kept
   * @throws ArtifactError `checksum_mismatch` if the upload is for other content
   */
  async count(
    row: SessionRow,
    { pending, reservation }: PendingAppend,
    sha256?: string,
  ): Promise<SessionRow | undefined> {
    let changes: Partial<SessionRecord>;
    try {
      checkAnnounced(row.value, sha256);
      changes = await this.#changesBeside(row.value, pending.bytes, sha256);
    } catch (error) {
      await this.drop({ pending, reservation });
      throw error;
    }
    try {
      const now = await pending.commit(changes);
      if (now !== undefined) reservation.markUsed();
      return now;
    } finally {
      reservation.release();
    }
  }

  /** Whether less than half of the session's life is left. */
  isRenewalDue({ value }: SessionRow): boolean {
    const { clock, sessionTtlMs } = this.#dependencies;
    return (value.expires_at - clock.nowSeconds()) * 1000 < sessionTtlMs / 2;
  }

  /** Gives the session a whole life from now, with the same bytes. Returns undefined if another call changed it first. */
  async renew(row: SessionRow): Promise<SessionRow | undefined> {
    const change = this.#dependencies.rows.begin();
    const next = change.session(row, { ...row.value, expires_at: await this.#laterExpiry(row.value) });
    return (await change.commit()) ? next : undefined;
  }

  /** The fields of the row, besides `offset` and `pieces`, that change when bytes are counted. */
  async #changesBeside(record: SessionRecord, bytes: number, sha256?: string): Promise<Partial<SessionRecord>> {
    const { clock, rows } = this.#dependencies;
    const { bucket, key, offset, size } = record;
    const changes = { updated_at: clock.nowSeconds(), expires_at: await this.#laterExpiry(record) };
    if (offset + bytes !== size) return changes;
    const over = await rows.lastNumber(bucket, key);
    // The session is full now, and another process may publish it. So its row says what that process must know.
    return { ...changes, over, ...(sha256 === undefined ? {} : { sha256 }) };
  }

  /** Rolls the pending bytes back: no row will count them. */
  async drop({ pending, reservation }: PendingAppend): Promise<void> {
    reservation.release();
    await pending.rollback();
  }

  /** The time when a session expires that takes bytes now, in unix seconds. */
  async expiry(): Promise<number> {
    const { clock, sessionTtlMs } = this.#dependencies;
    return (await clock.latestSeconds()) + Math.ceil(sessionTtlMs / 1000);
  }

  /** The new expiry of a session that has one already. It never gets earlier. */
  async #laterExpiry({ expires_at }: SessionRecord): Promise<number> {
    return Math.max(expires_at, await this.expiry());
  }

  /** @throws ArtifactError `too_large` */
  checkArtifactBytes(bytes: number): void {
    const { maxArtifactBytes } = this.#dependencies;
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
  }

  /** Reads bytes that the row counts, also after publication. Returns undefined if the row is out of date. */
  async #storedBytes(row: SessionRow, offset: number, length: number): Promise<Uint8Array | undefined> {
    const { staging } = this.#dependencies;
    const { status, artifact } = row.value;
    if (status !== "complete") return staging.read(row, offset, length);
    const reader = artifact && (await openPieces(this.#dependencies, artifact.session, artifact.pieces));
    if (!reader) throw closedError(row.value); // the version was deleted: nothing is left to compare with
    return reader.read(offset, length).finally(() => reader.close());
  }
}
