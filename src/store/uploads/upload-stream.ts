import { createHash, type Hash } from "node:crypto";
import { planAppend } from "../model/append-plan.js";
import { countIs } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { checkpointBytes } from "../model/limits.js";
import type { SessionRow } from "../model/records.js";
import {
  checkAnnounced,
  checksumMismatch,
  closedError,
  type DigestAlgorithm,
  offsetConflict,
} from "../model/session-errors.js";
import { isFull, isUnfinished } from "../model/upload-session.js";
import type { ByteSource } from "../ports/byte-source.js";
import type { Appender, PendingAppend } from "./appender.js";

/** A digest of the bytes of one stream. */
export interface StreamChecksum {
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hex. */
  readonly digest: string;
}

export interface StreamOptions {
  /** Where the first byte belongs: behind the stored bytes by default. */
  readonly offset?: number | undefined;
  /** Bytes of the stream, if known: a stream that cannot fit is refused before any byte is taken. */
  readonly length?: number | undefined;
  /** If given, no byte counts before all of them have come and have this digest. */
  readonly checksum?: StreamChecksum | undefined;
  /** SHA-256 of the whole upload, 64 lower-case hex: content with another digest is not published. */
  readonly sha256?: string | undefined;
  /** Called with the number of bytes of the upload that are durable now. */
  readonly onCheckpoint?: ((offset: number) => void) | undefined;
}

/**
 * Appends bytes that arrive over time to one upload. It writes them as they come. It makes them durable and counts them
 * every 8 MiB, on `flush`, and at the end, even if the source breaks: bytes that came before a break count. The bytes of
 * a stream with a checksum count only at the end, all or none.
 */
export class UploadStream {
  readonly #appender: Appender;
  readonly #source: ByteSource;
  readonly #options: StreamOptions;
  readonly #hash: Hash | undefined;
  #row: SessionRow;
  /** Where the next byte of the source belongs. */
  #at: number;
  /** Received bytes that the row does not count yet. */
  #arriving: PendingAppend | undefined;
  /** The end of the last step. Writes and checkpoints run one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #failure: { readonly error: unknown } | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  /** @throws ArtifactError as `planAppend` does, if the stream as a whole cannot be appended */
  constructor(appender: Appender, row: SessionRow, source: ByteSource, options: StreamOptions) {
    const { offset = row.value.offset, length = 0, checksum } = options;
    planAppend(row.value, offset, length);
    checkAnnounced(row.value, options.sha256);
    appender.checkArtifactBytes(offset + length);
    this.#appender = appender;
    this.#row = row;
    this.#source = source;
    this.#options = options;
    this.#at = offset;
    this.#hash = checksum && createHash(checksum.algorithm);
  }

  /**
   * Takes all bytes of the source. Returns the session after that; it may be full and is not published.
   *
   * @throws ArtifactError as appends do; the error of a broken source, after the bytes before it are stored
   */
  run(): Promise<SessionRow> {
    const result = this.#run();
    this.#ended = result.catch(() => undefined); // `stop` waits for the end, however it comes
    return result;
  }

  /** The end of the received bytes, as an offset in the upload. */
  get end(): number {
    return this.#at;
  }

  /** Stores the bytes that were received so far. An error here fails the stream, not this call. */
  async flush(): Promise<void> {
    await this.#inTurn(() => this.#checkpoint()).catch(() => undefined);
  }

  /** Takes no more bytes. Resolves when all received bytes are stored. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#source.stop();
    await this.#ended;
  }

  async #run(): Promise<SessionRow> {
    try {
      for (let bytes = await this.#next(); bytes !== undefined; bytes = await this.#next()) {
        const block = bytes;
        await this.#inTurn(() => this.#take(block));
      }
    } catch (error) {
      await this.#drop().catch(() => undefined); // no row will count them
      throw error;
    }
    await this.#inTurn(() => this.#finish());
    return this.#row;
  }

  /** @throws the error of a broken source, after the bytes before it are stored */
  async #next(): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#source.next();
    } catch (error) {
      await this.#inTurn(() => this.#keepReceived());
      throw error;
    }
    if (bytes !== undefined || !this.#isStopped) return bytes;
    await this.#inTurn(() => this.#keepReceived());
    throw takenOver(this.#row);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(async () => {
      if (this.#failure !== undefined) throw this.#failure.error;
      return work();
    });
    this.#turn = result.catch((error) => {
      this.#failure ??= { error };
    });
    return result;
  }

  get #pendingBytes(): number {
    return this.#arriving?.pending.bytes ?? 0;
  }

  async #take(bytes: Uint8Array): Promise<void> {
    const end = this.#at + bytes.length;
    for (;;) {
      const pending = this.#pendingBytes;
      const { overlap } = planAppend(this.#row.value, this.#at - pending, pending + bytes.length);
      this.#appender.checkArtifactBytes(end);
      if (!(await this.#appender.isReplay(this.#row, this.#at, bytes.subarray(0, overlap)))) {
        await this.#readRow();
        continue;
      }
      if (await this.#write(bytes.subarray(overlap))) break;
    }
    this.#at = end;
    this.#hash?.update(bytes);
    if (this.#pendingBytes >= checkpointBytes) await this.#checkpoint();
    if (this.#appender.isRenewalDue(this.#row)) await this.#renew();
  }

  /** Keeps the session from expiring while its bytes come and are not counted yet. */
  async #renew(): Promise<void> {
    const row = await this.#appender.renew(this.#row);
    if (row === undefined) {
      await this.#readRow();
      if (this.#arriving !== undefined) throw takenOver(this.#row);
      return;
    }
    this.#row = row;
    this.#arriving?.pending.rebase(row);
  }

  /** Returns false if the session has changed and no pending bytes were lost by that: the caller tries again. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    const reservation = await this.#appender
      .reserve(this.#row, this.#arriving, bytes.length)
      .catch(async (error: unknown) => {
        await this.#keepReceived();
        throw error;
      });
    const before = this.#arriving;
    this.#arriving = undefined; // a failed write ends it
    const row = before === undefined ? await this.#appender.withRoom(this.#row, reservation) : this.#row;
    this.#arriving = row && (await this.#appender.take(row, { reservation, pending: before?.pending }, bytes));
    if (row !== undefined && this.#arriving !== undefined) {
      this.#row = row;
      return true;
    }
    await this.#readRow();
    if (before !== undefined) throw takenOver(this.#row);
    return false;
  }

  async #readRow(): Promise<void> {
    this.#row = await this.#appender.current(this.#row.value.id);
  }

  /**
   * Counts the received bytes, except at the declared end of the upload: those count when the source has ended, as it may
   * still bring too many bytes.
   */
  async #checkpoint(): Promise<void> {
    const isAll = this.#at === this.#row.value.size;
    if (!isAll && this.#hash === undefined) await this.#count();
  }

  /** For a stream that breaks: counts the received bytes. If the stream has a checksum, it drops them instead. */
  async #keepReceived(): Promise<void> {
    if (this.#hash === undefined) await this.#count();
    else await this.#drop();
  }

  async #finish(): Promise<void> {
    const { checksum } = this.#options;
    const actual = this.#hash?.digest("hex");
    if (checksum !== undefined && actual !== undefined && checksum.digest !== actual) {
      await this.#drop();
      const { id, offset } = this.#row.value;
      const details = { session_id: id, offset };
      const options = { next: "send_again", details, algorithm: checksum.algorithm } as const;
      throw checksumMismatch(checksum.digest, actual, "what was sent", options, "Nothing of it was kept.");
    }
    await this.#count();
  }

  async #drop(): Promise<void> {
    const arriving = this.#arriving;
    this.#arriving = undefined;
    if (arriving !== undefined) await this.#appender.drop(arriving);
  }

  async #count(): Promise<void> {
    const arriving = this.#arriving;
    if (arriving === undefined) return;
    this.#arriving = undefined; // `count` ends it, also when it fails
    const now = await this.#appender.count(this.#row, arriving, this.#options.sha256);
    if (now === undefined) {
      await this.#readRow();
      throw takenOver(this.#row);
    }
    this.#row = now;
    this.#options.onCheckpoint?.(now.value.offset);
  }
}

/** For a stream whose upload another call continues or has ended. */
function takenOver({ value }: SessionRow): ArtifactError {
  if (!isUnfinished(value) || (value.status !== "open" && !isFull(value))) return closedError(value);
  return offsetConflict(value, "Another call continued this upload, so this one was ended.");
}

/** For a call that would end an upload while its bytes still arrive. */
export function stillArriving({ value: { id, offset, size } }: SessionRow): ArtifactError {
  const message = `Bytes are still arriving for this upload; ${countIs(offset, "byte")} stored so far.`;
  const details = { session_id: id, offset, size };
  return new ArtifactError("incomplete", message, { next: "wait_for_upload", details });
}
