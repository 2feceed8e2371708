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
import type { Quota, Reservation } from "../publication/quota.js";
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

/** Bytes on their way into a session, and the room that was taken for them. */
export interface Arriving {
  readonly pending: PendingWrite;
  readonly reservation: Reservation;
}

interface Taking {
  readonly reservation: Reservation;
  readonly pending?: PendingWrite | undefined;
}

/** What an append is made of, whether its bytes come at once or one after the other. */
export class Appender {
  readonly #dependencies: AppenderDependencies;

  constructor(dependencies: AppenderDependencies) {
    this.#dependencies = dependencies;
  }

  /** The session now; its status is `expired` if it is past its time. @throws ArtifactError `session_not_found` */
  async live(id: string): Promise<SessionRow> {
    const { rows, clock } = this.#dependencies;
    const row = await rows.session(id);
    if (!row?.value.is_listed) throw unknownSession(id);
    const status = statusAt(row.value, clock.nowSeconds());
    return status === row.value.status ? row : { ...row, value: { ...row.value, status } };
  }

  /**
   * Whether bytes that are stored already are the same; false if the session has changed meanwhile.
   *
   * @throws ArtifactError `offset_conflict` where they differ
   */
  async isReplay(row: SessionRow, offset: number, bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    const stored = await this.#storedBytes(row, offset, bytes.length);
    if (stored === undefined) return false;
    if (Buffer.compare(stored, bytes) === 0) return true;
    const differs = bytes.findIndex((byte, index) => byte !== stored[index]);
    throw contentDiffers(row.value, offset + differs);
  }

  /** Room for more bytes. @throws ArtifactError `storage_full`; what has arrived before stays then */
  async reserve({ value }: SessionRow, arriving: Arriving | undefined, bytes: number): Promise<Reservation> {
    const reservation = arriving?.reservation ?? this.#dependencies.quota.reserve();
    await reservation.grow({ unfinishedBytes: value.is_listed ? bytes : 0, storedBytes: bytes });
    return reservation;
  }

  /** The row with room for another piece; undefined if the session has changed meanwhile, and the room is given back. */
  async withRoom(row: SessionRow, reservation: Reservation): Promise<SessionRow | undefined> {
    const found = await this.#dependencies.staging.withRoom(row).catch((error) => {
      reservation.release();
      throw error;
    });
    if (found === undefined) reservation.release();
    return found;
  }

  /**
   * Takes new bytes behind those that the row counts, and behind those that are pending.
   *
   * @returns undefined if the session has changed meanwhile: nothing that is pending can be counted
   * @throws ArtifactError `storage_full`; nothing that was pending is kept then
   */
  async take(
    row: SessionRow,
    { reservation, pending = this.#dependencies.staging.begin(row) }: Taking,
    bytes: Uint8Array,
  ): Promise<Arriving | undefined> {
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

  /** Takes bytes and counts them; undefined if somebody else changed the session first. */
  async append(row: SessionRow, bytes: Uint8Array): Promise<SessionRow | undefined> {
    const reservation = await this.reserve(row, undefined, bytes.length);
    const roomy = await this.withRoom(row, reservation);
    const arriving = roomy && (await this.take(roomy, { reservation }, bytes));
    return roomy && arriving && this.count(roomy, arriving);
  }

  /**
   * Makes what has arrived durable, and then makes it count; undefined if somebody else changed the session first, and
   * nothing of it is kept.
   *
   * @param sha256 of the whole content, as whoever has sent these bytes says
   * @throws ArtifactError `checksum_mismatch` if the upload is for other content
   */
  async count(row: SessionRow, { pending, reservation }: Arriving, sha256?: string): Promise<SessionRow | undefined> {
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

  /** Whether bytes have been arriving for so long, and none of them counted, that the session has to be renewed. */
  isDue({ value }: SessionRow): boolean {
    const { clock, sessionTtlMs } = this.#dependencies;
    return (value.expires_at - clock.nowSeconds()) * 1000 < sessionTtlMs / 2;
  }

  /** The session with more time, and the same bytes; undefined if somebody else changed it first. */
  async renew(row: SessionRow): Promise<SessionRow | undefined> {
    const change = this.#dependencies.rows.begin();
    const next = change.session(row, { ...row.value, expires_at: await this.#laterExpiry(row.value) });
    return (await change.commit()) ? next : undefined;
  }

  /** What the row says of bytes that count, beside where they lie. */
  async #changesBeside(record: SessionRecord, bytes: number, sha256?: string): Promise<Partial<SessionRecord>> {
    const { clock, rows } = this.#dependencies;
    const { bucket, key, offset, size } = record;
    const changes = { updated_at: clock.nowSeconds(), expires_at: await this.#laterExpiry(record) };
    if (offset + bytes !== size) return changes;
    const over = await rows.lastNumber(bucket, key);
    // Whoever publishes what is full now may be another process, which has to know.
    return { ...changes, over, ...(sha256 === undefined ? {} : { sha256 }) };
  }

  /** Nobody counts what has arrived. */
  async drop({ pending, reservation }: Arriving): Promise<void> {
    reservation.release();
    await pending.rollback();
  }

  /** When a session that has just taken bytes expires, in unix seconds. */
  async expiry(): Promise<number> {
    const { clock, sessionTtlMs } = this.#dependencies;
    return (await clock.latestSeconds()) + Math.ceil(sessionTtlMs / 1000);
  }

  /** The same of a session that has a time already, which never goes back. */
  async #laterExpiry({ expires_at }: SessionRecord): Promise<number> {
    return Math.max(expires_at, await this.expiry());
  }

  /** @throws ArtifactError `too_large` */
  checkArtifactBytes(bytes: number): void {
    const { maxArtifactBytes } = this.#dependencies;
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
  }

  /** Bytes that the row counts, wherever they lie by now; undefined if the row is out of date. */
  async #storedBytes(row: SessionRow, offset: number, length: number): Promise<Uint8Array | undefined> {
    const { staging } = this.#dependencies;
    const { status, artifact } = row.value;
    if (status !== "complete") return staging.read(row, offset, length);
    const reader = artifact && (await openPieces(this.#dependencies, artifact.session, artifact.pieces));
    if (!reader) throw closedError(row.value); // deleted since: there is nothing to compare with
    return reader.read(offset, length).finally(() => reader.close());
  }
}
