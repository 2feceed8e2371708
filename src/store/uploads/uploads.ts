import { checkDigest, sha256Of } from "../model/artifact.js";
import type { Page } from "../model/cursor.js";
import { ArtifactError, isStoreReplaced } from "../model/errors.js";
import type { SessionRecord, SessionRow } from "../model/records.js";
import {
  checkEnd,
  checkSize,
  checksumMismatch,
  chunkTooLarge,
  closedError,
  unknownSession,
} from "../model/session-errors.js";
import { isFull, isReady, isUnfinished, takesMore, type UploadSession } from "../model/upload-session.js";
import type { ByteSource } from "../ports/byte-source.js";
import type { Log } from "../ports/log.js";
import type { TransferUrls } from "../ports/transfer-urls.js";
import type { Ender } from "../publication/ender.js";
import type { CompleteUpload, Publisher } from "../publication/publisher.js";
import { storedIn } from "../publication/quota.js";
import { Appender, type AppenderDependencies } from "./appender.js";
import { ChunkAppends } from "./chunk-appends.js";
import { CopiedContent } from "./copied-content.js";
import type { CreateUpload } from "./new-session.js";
import { RefusedChunks } from "./refused-chunks.js";
import { RunningStreams } from "./running-streams.js";
import { SessionAnswers } from "./session-answers.js";
import { SessionCalls, type WaitingCall } from "./session-calls.js";
import { type ListUploads, listSessions } from "./session-listings.js";
import { UploadCreation } from "./upload-creation.js";
import { type StreamOptions, stillArriving, UploadStream } from "./upload-stream.js";
import { WholeSave } from "./whole-save.js";

export interface AppendOptions {
  /** SHA-256 of the chunk, 64 lower-case hex. */
  readonly sha256?: string | undefined;
}

export interface CompleteOptions extends Pick<CompleteUpload, "sha256" | "if_version" | "if_edit" | "size"> {
  /** For a caller that sends calls without waiting for answers: refuses if a chunk was refused here and its place is still empty. */
  readonly needsEveryChunk?: boolean | undefined;
}

export interface AppendStreamOptions extends StreamOptions {
  /** No bytes follow: completes the upload, even if its size was not declared. */
  readonly isLast?: boolean | undefined;
}

export interface UploadsDependencies extends AppenderDependencies {
  readonly publisher: Publisher;
  readonly ender: Ender;
  readonly log: Log;
  readonly urls: TransferUrls;
  readonly newId: () => string;
  readonly maxChunkBytes: number;
  /** A call that only reads publishes nothing. */
  readonly readOnly: boolean;
}

/**
 * The use cases on upload sessions. The bytes that an answer's `offset` counts survive kill -9 and power loss.
 *
 * @throws ArtifactError `session_not_found` from every method that takes an id; `version_conflict` and
 * `checksum_mismatch` from every method that may publish
 */
export class Uploads {
  readonly #dependencies: UploadsDependencies;
  readonly #calls = new SessionCalls();
  readonly #appender: Appender;
  readonly #chunks: ChunkAppends;
  readonly #creation: UploadCreation;
  readonly #saves: WholeSave;
  readonly #answers: SessionAnswers;
  readonly #refused = new RefusedChunks();
  readonly #streams = new RunningStreams();

  constructor(dependencies: UploadsDependencies) {
    this.#dependencies = dependencies;
    this.#answers = new SessionAnswers(dependencies);
    this.#appender = new Appender(dependencies);
    this.#chunks = new ChunkAppends(this.#appender, dependencies.clock);
    const copies = new CopiedContent(dependencies);
    this.#creation = new UploadCreation(dependencies, this.#appender, copies, this.#calls);
    this.#saves = new WholeSave(dependencies, this.#creation, this.#appender, (row) => this.#publish(row));
  }

  /**
   * Creates a session, or answers the one that the same request has created before. Publishes a session that is full
   * from the start.
   *
   * @throws ArtifactError as `UploadCreation.create` does
   */
  async create(upload: CreateUpload): Promise<UploadSession> {
    const created = await this.#creation.create(upload);
    if (typeof created === "string") return this.get(created);
    const { id } = created.value;
    const isReady = isFull(created.value);
    const record = isReady ? await this.#calls.answer(id, () => this.#publish(created)) : created.value;
    return upload.isNew ? this.#answers.show(record) : this.#answers.showCreated(record);
  }

  /** Saves content in one call. Returns its complete session, which no listing shows. @throws as `WholeSave.save` does */
  async saveWhole(upload: CreateUpload, bytes: Uint8Array): Promise<SessionRecord> {
    return this.#saves.save(upload, bytes);
  }

  /**
   * Appends `bytes` at `offset` and publishes a full session. Accepts a replay of bytes that are stored already.
   *
   * An append that waits long behind a publication is answered with the session as it is, and stores nothing: the
   * answer's `offset` says so. After the answer or the error, `bytes` are never read again.
   *
   * @throws ArtifactError `offset_conflict`, `size_exceeded`, `checksum_mismatch`, `too_large`, `session_closed`,
   * `session_expired`
   */
  async append(id: string, offset: number, bytes: Uint8Array, { sha256 }: AppendOptions = {}): Promise<UploadSession> {
    const work = async (): Promise<SessionRecord> => {
      try {
        this.#checkChunk(bytes, sha256);
        await this.#streams.stop(id);
        return await this.#publishFull(await this.#chunks.append(id, offset, bytes));
      } catch (error) {
        await this.#rememberRefused(id, offset, error);
        throw await this.#answers.withTail(id, error);
      }
    };
    let isStored = false;
    const check = async (): Promise<void> => {
      this.#checkChunk(bytes, sha256);
      isStored = await this.#chunks.isStored(id, offset, bytes).catch(async (error) => {
        throw await this.#answers.withTail(id, error);
      });
    };
    const onDropped = (session: SessionRecord): void => {
      if (!isStored) this.#refused.add(id, Math.max(session.offset, offset));
    };
    return this.#inOrder(id, work, { check, onDropped });
  }

  /** Says that a chunk was refused before it came here, in the order of the session's calls. */
  noteRefusedChunk(id: string, offset: number): void {
    void this.#calls.run(id, () => this.#rememberRefused(id, offset));
  }

  /** Remembers a refused chunk of a session that exists: callers may give any id. */
  async #rememberRefused(id: string, offset: number, error?: unknown): Promise<void> {
    if (isStoreReplaced(error)) return; // every call is refused until the store is back
    const stored = await this.#storedBytes(id, error);
    if (stored !== undefined) this.#refused.add(id, Math.max(stored, offset));
  }

  /** Returns undefined if there is no such session. @param error may tell the number */
  async #storedBytes(id: string, error: unknown): Promise<number | undefined> {
    const told = error instanceof ArtifactError ? error.details["offset"] : undefined;
    if (typeof told === "number") return told;
    return this.#dependencies.rows.session(id).then(
      (row) => row?.value.offset,
      () => Number.POSITIVE_INFINITY, // the row cannot be read, so only a size can say that nothing is missing
    );
  }

  /** @throws ArtifactError `too_large`, `checksum_mismatch`, `invalid_argument` */
  #checkChunk(bytes: Uint8Array, sha256: string | undefined): void {
    const { maxChunkBytes } = this.#dependencies;
    checkDigest("sha256", sha256);
    if (bytes.length > maxChunkBytes) throw chunkTooLarge(bytes.length, maxChunkBytes, "send_smaller_chunks");
    if (sha256 !== undefined) checkChunkDigest(bytes, sha256);
  }

  /**
   * Appends the bytes of a source, however many they are. Publishes a full session, and with `isLast` also one whose
   * size was not declared. The newest call on a session wins: it ends a stream that is still running.
   *
   * @throws ArtifactError as `append` does; the error of a broken source, after the bytes before it are stored
   */
  async appendStream(id: string, source: ByteSource, options: AppendStreamOptions = {}): Promise<UploadSession> {
    const { sha256 } = options;
    checkDigest("sha256", sha256);
    return this.#appendStream(id, source, options).catch(async (error) => {
      throw await this.#answers.withTail(id, error);
    });
  }

  async #appendStream(id: string, source: ByteSource, options: AppendStreamOptions): Promise<UploadSession> {
    const { isLast = false, sha256 } = options;
    const stream = await this.#calls.run(id, () => this.#openStream(id, source, options));
    const row = await stream.run().finally(() => this.#streams.delete(id, stream));
    if (!isLast && takesMore(row.value)) return this.#answers.show(row.value);
    return this.#inOrder(id, async () => {
      const now = await this.#appender.current(id);
      if (isLast) checkEnd(now.value, stream.end);
      return isLast ? this.#publish(now, { sha256 }) : this.#publishFull(now, { sha256 });
    });
  }

  async #openStream(id: string, source: ByteSource, options: AppendStreamOptions): Promise<UploadStream> {
    await this.#streams.stop(id);
    this.#chunks.forget(id);
    const stream = new UploadStream(this.#appender, await this.#appender.current(id), source, options);
    this.#streams.add(id, stream);
    return stream;
  }

  /**
   * Declares the size of an upload that was created without one. To declare the same size again changes nothing.
   * Publishes the upload if all its bytes are stored.
   *
   * @param sha256 of the whole content
   * @throws ArtifactError `invalid_argument` if the upload has another size, or more bytes; `session_closed`,
   * `session_expired`, `too_large`; `checksum_mismatch`, which keeps the bytes
   */
  async declareSize(id: string, size: number, sha256?: string): Promise<UploadSession> {
    this.#appender.checkArtifactBytes(size);
    checkDigest("sha256", sha256);
    return this.#inOrder(id, async () => {
      await this.#streams.stop(id);
      for (;;) {
        const row = await this.#appender.current(id);
        checkSize(row.value, size);
        // One change sets the size and publishes. Between two, another process would publish without this digest.
        if (row.value.offset === size && row.value.status === "open") return this.#publish(row, { size, sha256 });
        const now = row.value.size === size ? row : await this.#declare(row, size);
        if (now !== undefined) return this.#publishFull(now, { sha256 });
      }
    });
  }

  async #declare(row: SessionRow, size: number): Promise<SessionRow | undefined> {
    if (row.value.status !== "open") throw closedError(row.value);
    const change = this.#dependencies.rows.begin();
    const next = change.session(row, { ...row.value, size });
    return (await change.commit()) ? next : undefined;
  }

  /**
   * The session with its tail. Publishes a full session first: the process that appended its last bytes may have died
   * before it could.
   */
  async get(id: string): Promise<UploadSession> {
    return this.#answers.showWithTail(await this.#state(id));
  }

  /** As `get`, but without the tail, for a caller that knows what it has sent. */
  async getWithoutTail(id: string): Promise<UploadSession> {
    return this.#answers.show(await this.#state(id));
  }

  #state(id: string): Promise<SessionRecord> {
    return this.#calls.answer(id, async () => {
      await this.#streams.flush(id);
      const row = await this.#appender.current(id);
      return isReady(row.value) && !this.#dependencies.readOnly ? this.#publish(row) : row.value;
    });
  }

  /** A page of the listed sessions, as `listSessions` orders them; with their tails if a key is given. @throws ArtifactError `invalid_argument` */
  async list(filter: ListUploads): Promise<Page<UploadSession>> {
    const { data, ...rest } = await listSessions(this.#dependencies, filter);
    if (filter.key === undefined) return { data: data.map((record) => this.#answers.show(record)), ...rest };
    const sessions: UploadSession[] = [];
    for (const record of data) sessions.push(await this.#answers.showWithTail(record));
    return { data: sessions, ...rest };
  }

  /** Idempotent. @throws ArtifactError `incomplete`, `session_closed`, `session_expired`; `invalid_argument` for a size */
  async complete(id: string, { needsEveryChunk = false, ...wanted }: CompleteOptions = {}): Promise<UploadSession> {
    checkDigest("sha256", wanted.sha256);
    return this.#inOrder(id, async () => {
      await this.#streams.flush(id);
      const row = await this.#appender.current(id);
      if (this.#streams.has(id) && isUnfinished(row.value)) throw stillArriving(row);
      return this.#publish(row, { ...wanted, mayLackChunks: needsEveryChunk && this.#refused.isLacking(row.value) });
    });
  }

  /** Idempotent. @throws ArtifactError `session_closed` if the upload is complete; `session_expired` */
  async abort(id: string): Promise<UploadSession> {
    const { ender, quota } = this.#dependencies;
    return this.#inOrder(id, async () => {
      await this.#streams.stop(id);
      const row = await this.#appender.current(id);
      this.#chunks.forget(id);
      if (row.value.status === "expired") throw closedError(row.value);
      const ended = await ender.end(row, "aborted");
      const { bucket, offset } = row.value;
      if (isUnfinished(row.value)) {
        quota.freed({ openSessions: 1, unfinishedBytes: offset, ...storedIn(bucket, offset) });
      }
      if (ended === undefined) throw unknownSession(id);
      if (ended.value.status === "complete") throw closedError(ended.value);
      return ended.value;
    });
  }

  /**
   * Aborts an upload. Hides a complete one, whose artifact stays.
   *
   * @throws ArtifactError `session_closed`, `session_expired`
   */
  async dismiss(id: string): Promise<void> {
    const row = await this.#appender.current(id);
    if (row.value.status === "complete") await this.#calls.run(id, () => this.#dependencies.ender.hide(row));
    else await this.abort(id);
  }

  /** Ends the streams, waits until the calls that have arrived have ended, then closes all open pieces. */
  async close(): Promise<void> {
    await this.stopStreams();
    await this.#calls.drained();
    await this.#dependencies.staging.close();
  }

  /** Ends the running streams, and any that begins later. Resolves when all bytes that they have received are stored. */
  async stopStreams(): Promise<void> {
    await this.#streams.stopAll();
  }

  async #inOrder(id: string, work: () => Promise<SessionRecord>, waiting?: WaitingCall): Promise<UploadSession> {
    return this.#answers.show(await this.#calls.answer(id, work, waiting));
  }

  /** Publishes a session that has just taken bytes, unless it still takes more. */
  async #publishFull(row: SessionRow, wanted?: CompleteUpload): Promise<SessionRecord> {
    return takesMore(row.value) ? row.value : this.#publish(row, wanted);
  }

  async #publish(row: SessionRow, wanted?: CompleteUpload): Promise<SessionRecord> {
    const { id, bucket, offset } = row.value;
    this.#chunks.forget(id);
    const record = await this.#calls.publish(row.value, () => this.#dependencies.publisher.publish(row, wanted));
    if (isUnfinished(row.value)) {
      const { quota } = this.#dependencies;
      if (record.is_listed) quota.freed({ openSessions: 1, unfinishedBytes: offset });
      if (record.artifact?.session !== id) quota.freed(storedIn(bucket, offset)); // another version has these bytes
    }
    return record;
  }
}

/** @throws ArtifactError `checksum_mismatch` */
function checkChunkDigest(bytes: Uint8Array, sha256: string): void {
  const actual = sha256Of(bytes);
  if (actual === sha256) return;
  throw checksumMismatch(sha256, actual, "this chunk", { next: "send_again" }, "Nothing was changed.");
}
