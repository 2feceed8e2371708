import { createHash, type Hash } from "node:crypto";
import type { Appending } from "./appending.js";
import type { ByteSource } from "./byte-source.js";
import { ArtifactError } from "./errors.js";
import { checkpointBytes } from "./limits.js";
import type { SessionRow } from "./rows.js";
import type { Stage } from "./staging.js";
import {
  checkPromise,
  checksumMismatch,
  closedError,
  type DigestAlgorithm,
  isFull,
  isUnfinished,
  offsetConflict,
  planAppend,
} from "./upload-session.js";

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
  readonly #appending: Appending;
  readonly #source: ByteSource;
  readonly #options: StreamOptions;
  readonly #hash: Hash | undefined;
  #row: SessionRow;
  /** Where the next byte of the source belongs. */
  #at: number;
  /** What has come behind the bytes that the row counts. */
  #stage: Stage | undefined;
  /** Bytes and checkpoints take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #failure: { readonly error: unknown } | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  /** @throws ArtifactError as `planAppend` does, where the stream as a whole cannot be appended */
  constructor(appending: Appending, row: SessionRow, source: ByteSource, options: StreamOptions) {
    const { offset = row.value.offset, length = 0, checksum } = options;
    planAppend(row.value, offset, length);
    checkPromise(row.value, options.sha256);
    appending.checkArtifactBytes(offset + length);
    this.#appending = appending;
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
      await this.#drop().catch(() => undefined); // nobody counts them, and their segment is not written any more
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

  async #take(bytes: Uint8Array): Promise<void> {
    const end = this.#at + bytes.length;
    for (;;) {
      const staged = this.#stage?.bytes ?? 0;
      const { overlap } = planAppend(this.#row.value, this.#at - staged, staged + bytes.length);
      this.#appending.checkArtifactBytes(end);
      if (!(await this.#appending.isReplay(this.#row, this.#at, bytes.subarray(0, overlap)))) {
        this.#row = await this.#appending.live(this.#row.value.id);
        continue;
      }
      const isStaged = await this.#write(bytes.subarray(overlap));
      if (isStaged) break;
    }
    this.#at = end;
    this.#hash?.update(bytes);
    if ((this.#stage?.bytes ?? 0) >= checkpointBytes) await this.#checkpoint();
  }

  async #write(bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    if (this.#stage === undefined) {
      this.#stage = await this.#appending.begin(this.#row);
      if (this.#stage === undefined) {
        this.#row = await this.#appending.live(this.#row.value.id);
        return false;
      }
    }
    await this.#staged(this.#stage, (stage) => stage.write(bytes));
    return true;
  }

  /** A stage that fails has ended. */
  async #staged<Result>(stage: Stage, work: (stage: Stage) => Promise<Result>): Promise<Result> {
    try {
      return await work(stage);
    } catch (error) {
      this.#stage = undefined;
      throw error;
    }
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
      const next = `Nothing of it was kept: send it again from offset ${this.#row.value.offset}.`;
      throw checksumMismatch(
        checksum.digest,
        actual,
        "what was sent",
        next,
        this.#row.value.offset,
        checksum.algorithm,
      );
    }
    await this.#count();
  }

  async #drop(): Promise<void> {
    const stage = this.#stage;
    this.#stage = undefined;
    await stage?.giveBack();
  }

  async #count(): Promise<void> {
    const stage = this.#stage;
    if (stage === undefined) return;
    this.#stage = undefined; // counted or not, it ends here
    const now = await this.#appending.count(this.#row, stage, this.#options.sha256);
    if (now === undefined) {
      this.#row = await this.#appending.live(this.#row.value.id);
      throw takenOver(this.#row);
    }
    this.#row = now;
    this.#options.onCheckpoint?.(now.value.offset);
  }
}

/** Somebody else goes on with the upload, or has ended it. */
function takenOver({ value }: SessionRow): ArtifactError {
  if (!isUnfinished(value) || (value.status !== "open" && !isFull(value))) return closedError(value);
  return offsetConflict(value, "Another call has gone on with this upload, so this one was ended", "");
}

/** A call that would end an upload whose bytes still come. */
export function stillArriving({ value: { id, offset, size } }: SessionRow): ArtifactError {
  return new ArtifactError(
    "incomplete",
    `An HTTP upload to this session is still running, ${offset} bytes are stored so far. Wait until it has ended, then make this call again; get_upload_session says how far it is.`,
    { session_id: id, offset, size },
  );
}
