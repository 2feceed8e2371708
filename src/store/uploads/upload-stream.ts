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
import type { Appender, Arriving } from "./appender.js";

/** A digest of the bytes of one stream. */
export interface StreamChecksum {
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hex. */
  readonly digest: string;
}

export interface StreamOptions {
  /** Where its first byte belongs; left out, behind what is stored. */
  readonly offset?: number | undefined;
  /** How many bytes it will have, where that is known: what cannot fit is refused before any is taken. */
  readonly length?: number | undefined;
  /** None of its bytes counts before all of them are known to be right. */
  readonly checksum?: StreamChecksum | undefined;
  /** SHA-256 of the whole upload, 64 lower-case hex: any other is not published. */
  readonly sha256?: string | undefined;
  /** So many bytes of the upload are stored for good now. */
  readonly onCheckpoint?: ((offset: number) => void) | undefined;
}

/**
 * Bytes that arrive over time for one upload. They are written as they come, and made durable and counted every
 * 8 MiB, when somebody asks how far it is, and at the end, however it comes: what was received before a break counts.
 */
export class UploadStream {
  readonly #appender: Appender;
  readonly #source: ByteSource;
  readonly #options: StreamOptions;
  readonly #hash: Hash | undefined;
  #row: SessionRow;
  /** Where the next byte of the source belongs. */
  #at: number;
  /** What has come behind the bytes that the row counts. */
  #arriving: Arriving | undefined;
  /** Bytes and checkpoints take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #failure: { readonly error: unknown } | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  /** @throws ArtifactError as `planAppend` does, where the stream as a whole cannot be appended */
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
   * Takes all that the source has. The session as it is then, which may be full, and is not published.
   *
   * @throws ArtifactError as appends do; what has broken the source, once all that came before is stored
   */
  run(): Promise<SessionRow> {
    const result = this.#run();
    this.#ended = result.catch(() => undefined); // whoever waits for the end does not ask how it was
    return result;
  }

  /** Where what has come ends, in bytes of the upload. */
  get end(): number {
    return this.#at;
  }

  /** Stores what has come so far. What fails here fails the stream. */
  async flush(): Promise<void> {
    await this.#inTurn(() => this.#checkpoint()).catch(() => undefined);
  }

  /** Takes no more, and resolves once all that came is stored. */
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
      await this.#drop().catch(() => undefined); // nobody counts them, and their piece is not written any more
      throw error;
    }
    await this.#inTurn(() => this.#finish());
    return this.#row;
  }

  /** @throws what has broken the source, once all that came before is stored */
  async #next(): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#source.next();
    } catch (error) {
      await this.#inTurn(() => this.#salvage());
      throw error;
    }
    if (bytes !== undefined || !this.#isStopped) return bytes;
    await this.#inTurn(() => this.#salvage());
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
        await this.#look();
        continue;
      }
      if (await this.#write(bytes.subarray(overlap))) break;
    }
    this.#at = end;
    this.#hash?.update(bytes);
    if (this.#pendingBytes >= checkpointBytes) await this.#checkpoint();
    if (this.#appender.isDue(this.#row)) await this.#renew();
  }

  /** A session does not expire while its bytes come, however long it takes until they count. */
  async #renew(): Promise<void> {
    const row = await this.#appender.renew(this.#row);
    if (row === undefined) {
      await this.#look();
      if (this.#arriving !== undefined) throw takenOver(this.#row);
      return;
    }
    this.#row = row;
    this.#arriving?.pending.rebase(row);
  }

  /** False if the session has changed meanwhile, and nothing has come before that would be lost. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    const reservation = await this.#appender
      .reserve(this.#row, this.#arriving, bytes.length)
      .catch(async (error: unknown) => {
        await this.#salvage();
        throw error;
      });
    const before = this.#arriving;
    this.#arriving = undefined; // a write that fails has ended it
    const row = before === undefined ? await this.#appender.withRoom(this.#row, reservation) : this.#row;
    this.#arriving = row && (await this.#appender.take(row, { reservation, pending: before?.pending }, bytes));
    if (row !== undefined && this.#arriving !== undefined) {
      this.#row = row;
      return true;
    }
    await this.#look();
    if (before !== undefined) throw takenOver(this.#row);
    return false;
  }

  async #look(): Promise<false> {
    this.#row = await this.#appender.live(this.#row.value.id);
    return false;
  }

  /** Counts what has come, but for the byte that makes the upload full: that one counts once nothing comes behind it. */
  async #checkpoint(): Promise<void> {
    const isAll = this.#at === this.#row.value.size;
    if (!isAll && this.#hash === undefined) await this.#count();
  }

  async #salvage(): Promise<void> {
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
    this.#arriving = undefined; // counted or not, it ends here
    const now = await this.#appender.count(this.#row, arriving, this.#options.sha256);
    if (now === undefined) {
      await this.#look();
      throw takenOver(this.#row);
    }
    this.#row = now;
    this.#options.onCheckpoint?.(now.value.offset);
  }
}

/** Somebody else goes on with the upload, or has ended it. */
function takenOver({ value }: SessionRow): ArtifactError {
  if (!isUnfinished(value) || (value.status !== "open" && !isFull(value))) return closedError(value);
  return offsetConflict(value, "Another call has gone on with this upload, so this one was ended.");
}

/** A call that would end an upload whose bytes still come. */
export function stillArriving({ value: { id, offset, size } }: SessionRow): ArtifactError {
  const message = `Bytes are still arriving for this upload; ${countIs(offset, "byte")} stored so far.`;
  const details = { session_id: id, offset, size };
  return new ArtifactError("incomplete", message, { next: "wait_for_upload", details });
}
