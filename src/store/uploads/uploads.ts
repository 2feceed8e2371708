import { planAppend } from "../model/append-plan.js";
import { checkDigest, checkIdempotencyKey, checkMetadata, sha256Of } from "../model/artifact.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "../model/cursor.js";
import { ArtifactError, isStoreReplaced } from "../model/errors.js";
import { maxOpenPieces } from "../model/limits.js";
import { checkMimeType, mimeTypeOf } from "../model/media-type.js";
import { checkBucket, suggestKey, toKey } from "../model/names.js";
import { idOf, type SessionRecord, type SessionRow, uploadPrefix, uploadText } from "../model/records.js";
import {
  checkEnd,
  checkSize,
  checksumMismatch,
  chunkTooLarge,
  closedError,
  isEnded,
  unknownSession,
} from "../model/session-errors.js";
import {
  isFull,
  isReady,
  isUnfinished,
  statusAt,
  takesMore,
  toUploadSession,
  type UploadSession,
  type UploadStatus,
} from "../model/upload-session.js";
import type { ByteSource } from "../ports/byte-source.js";
import type { Links } from "../ports/links.js";
import type { Log } from "../ports/log.js";
import type { Ender } from "../publication/ender.js";
import type { CompleteUpload, Publisher } from "../publication/publisher.js";
import { Appender, type AppenderDependencies } from "./appender.js";
import { CopiedContent, type Source } from "./copied-content.js";
import { RefusedChunks } from "./refused-chunks.js";
import { SessionCalls, type WaitingCall } from "./session-calls.js";
import { type StreamOptions, stillArriving, UploadStream } from "./upload-stream.js";
import { isKeyTaken, knownSession } from "./uploads-of-key.js";

export interface CreateUpload {
  readonly bucket: string;
  /** Left out, the session's id. */
  readonly key?: string | undefined;
  /** The key is to be this upload's own: where an artifact or another upload has it, the session's id comes in front. */
  readonly isOwnKey?: boolean | undefined;
  readonly mime_type?: string | undefined;
  /** Bytes; left out, the upload ends with `complete`. */
  readonly size?: number | undefined;
  /** Of the whole content; 64 lower-case hex. */
  readonly sha256?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  /** The guard holds also where the newest version has the same content. */
  readonly isStrict?: boolean | undefined;
  /** Of the request that creates it: while the session is known, the same request answers with it. */
  readonly idempotency_key?: string | undefined;
  /** Who creates it, as they told it. */
  readonly saved_by?: string | undefined;
  /** A session of its own, also where the same request has created one before. */
  readonly isNew?: boolean | undefined;
  /** It begins with the content of this version. */
  readonly from?: Source | undefined;
}

export interface ListUploads extends PageOptions {
  readonly bucket?: string | undefined;
  /** Needs `bucket`. */
  readonly key?: string | undefined;
}

export interface AppendOptions {
  /** Of the bytes; 64 lower-case hex. */
  readonly sha256?: string | undefined;
}

export interface CompleteChunks extends Pick<CompleteUpload, "sha256" | "if_version" | "size"> {
  /** The caller sends calls without waiting for answers: where the last chunk that came here was refused, so is this. */
  readonly needsEveryChunk?: boolean | undefined;
}

export interface AppendStream extends StreamOptions {
  /** Nothing comes behind it: completes the upload, also where its size was not declared. */
  readonly isLast?: boolean | undefined;
}

export interface UploadsDependencies extends AppenderDependencies {
  readonly publisher: Publisher;
  readonly ender: Ender;
  readonly log: Log;
  readonly links: Links;
  readonly newId: () => string;
  readonly maxChunkBytes: number;
  /** Nothing is changed on the way of a read. */
  readonly readOnly: boolean;
}

/**
 * The use cases on upload sessions. A byte that an answer's `offset` counts survives kill -9 and power loss.
 *
 * @throws ArtifactError `session_not_found` from every method that takes an id; `version_conflict` and
 * `checksum_mismatch` from every one that may publish
 */
export class Uploads {
  readonly #dependencies: UploadsDependencies;
  readonly #calls = new SessionCalls();
  readonly #appender: Appender;
  readonly #copies: CopiedContent;
  readonly #refused = new RefusedChunks();
  /** Sessions as this process's last append left them, in that order: another process may have changed them since. */
  readonly #newest = new Map<string, SessionRow>();
  /** Streams that this process is taking now. */
  readonly #streams = new Map<string, UploadStream>();
  #isStopping = false;

  constructor(dependencies: UploadsDependencies) {
    this.#dependencies = dependencies;
    this.#appender = new Appender(dependencies);
    this.#copies = new CopiedContent(dependencies);
  }

  /** @throws ArtifactError `invalid_argument`, `checksum_mismatch`, `too_large`, `storage_full` */
  async create(upload: CreateUpload): Promise<UploadSession> {
    // Of two that want a key of their own, the second one looks once the first has it.
    if (!upload.isOwnKey) return this.#create(upload);
    return this.#calls.run(`key ${upload.bucket} ${upload.key}`, () => this.#create(upload));
  }

  async #create(upload: CreateUpload): Promise<UploadSession> {
    const { quota } = this.#dependencies;
    const { from, isOwnKey } = upload;
    const wanted = await this.#newRecord(upload, true);
    const known = upload.isNew ? undefined : await knownSession(this.#dependencies, wanted);
    if (known !== undefined) return this.get(known);
    const record = isOwnKey ? await this.#withOwnKey(upload, wanted) : wanted;
    const { id, size } = record;
    if (from !== undefined) await this.#copies.check(from, size);
    await quota.check({ storedBytes: size ?? 0, unfinishedBytes: size ?? 0 });
    const created = await quota.during({ openSessions: 1 }, () => this.#insert(record));
    const listed = isOwnKey && record === wanted ? await this.#giveWay(upload, created) : created;
    const row = from === undefined ? listed : await this.#copies.begin(listed, from);
    return isFull(row.value) ? this.#inOrder(id, () => this.#publish(row)) : this.#show(row.value);
  }

  /**
   * Saves content in one call, by a session that nobody sees.
   *
   * @throws ArtifactError `invalid_argument`, `version_conflict`, `idempotency_conflict`, `too_large`, `storage_full`
   */
  async saveWhole(upload: CreateUpload, bytes: Uint8Array): Promise<SessionRecord> {
    const { staging, ender, quota } = this.#dependencies;
    const record = await this.#newRecord({ ...upload, size: bytes.length }, false);
    const created = await this.#insert(record);
    let storedBytes = 0;
    try {
      const row = await this.#appender.append(created, bytes);
      storedBytes = row === undefined ? 0 : bytes.length;
      if (row !== undefined) return await this.#publish(row);
    } catch (error) {
      await staging.release(record.id);
      const now = await this.#dependencies.rows.session(record.id).catch(() => undefined);
      if (now?.value.status === "complete" && !isStoreReplaced(error)) return now.value; // it failed behind the decision
      if (now !== undefined) await ender.end(now, "aborted").catch(() => undefined); // what stays is the sweep's
      quota.freed({ storedBytes });
      throw isEnded(error) ? givenUp(error) : error;
    }
    throw givenUp();
  }

  async #withOwnKey(upload: CreateUpload, record: SessionRecord): Promise<SessionRecord> {
    if (!(await isKeyTaken(this.#dependencies, record))) return record;
    const { id, key } = record;
    return this.#newRecord({ ...upload, key: suggestKey(`${id}/${key}`) }, true, id); // cut where it is too long
  }

  /**
   * Another process may have taken the key since it was free: who sees that once its own session is listed takes
   * another key, and of two at least one sees it. The session is not answered yet.
   */
  async #giveWay(upload: CreateUpload, row: SessionRow): Promise<SessionRow> {
    const record = await this.#withOwnKey(upload, row.value);
    if (record === row.value) return row;
    const change = this.#dependencies.rows.begin();
    change.unlistSession(row.value, uploadText);
    change.listSession(record);
    const next = change.session(row, record);
    return (await change.commit()) ? next : row; // who found it in the list has ended it
  }

  async #newRecord(upload: CreateUpload, is_listed: boolean, id = this.#dependencies.newId()): Promise<SessionRecord> {
    const { clock, rows } = this.#dependencies;
    const { bucket, size, sha256, if_version, isStrict, idempotency_key, saved_by, metadata = {} } = upload;
    const key = toKey(upload.key ?? id);
    const mime_type = upload.mime_type ?? mimeTypeOf(key, "application/octet-stream");
    checkBucket(bucket);
    checkMimeType(mime_type);
    checkMetadata(metadata);
    checkDigest("sha256", sha256);
    checkIdempotencyKey(idempotency_key);
    this.#appender.checkArtifactBytes(size ?? 0);
    if (size === 0 && sha256 !== undefined && sha256 !== emptyDigest) {
      const kept = "No session was created.";
      throw checksumMismatch(sha256, emptyDigest, "empty content", { next: "create_with_digest" }, kept);
    }
    const created_at = clock.nowSeconds();
    const over = size === 0 ? await rows.lastNumber(bucket, key) : null;
    return {
      ...{ id, is_listed, bucket, key, mime_type, metadata },
      ...{ size: size ?? null, sha256: sha256 ?? null, if_version: if_version ?? null },
      ...(isStrict ? { is_strict: true } : {}),
      ...(idempotency_key === undefined ? {} : { idempotency_key, request: requestOf(upload, mime_type) }),
      ...(saved_by === undefined ? {} : { saved_by }),
      ...{ status: "open", offset: 0, pieces: [], digest: null, over, artifact: null },
      ...{ created_at, updated_at: created_at, expires_at: await this.#appender.expiry() },
    };
  }

  /** @param record of a new session */
  async #insert(record: SessionRecord): Promise<SessionRow> {
    const change = this.#dependencies.rows.begin();
    const row = change.session(undefined, record);
    if (record.is_listed) change.listSession(record);
    if (await change.commit()) return row;
    throw new Error(`session id ${record.id} was given twice`);
  }

  /**
   * Appends `bytes` at `offset`; a replay of bytes that are stored already is accepted. Publishes a full session. If it
   * waits long behind a publication, it is answered with the session as it is, and stores nothing: `offset` says so.
   * Once the answer or the error is there, `bytes` are never read again.
   *
   * @throws ArtifactError `offset_conflict`, `size_exceeded`, `checksum_mismatch`, `too_large`, `session_closed`,
   * `session_expired`
   */
  async append(id: string, offset: number, bytes: Uint8Array, options: AppendOptions = {}): Promise<UploadSession> {
    const { sha256 } = options;
    const work = async (): Promise<SessionRecord> => {
      try {
        this.#checkChunk(bytes, sha256);
        await this.#streams.get(id)?.stop();
        const record = await this.#append(id, offset, bytes);
        // A replay of an earlier chunk does not bring what was refused.
        if (record.offset === offset + bytes.length) this.#refused.delete(id);
        return record;
      } catch (error) {
        this.#refused.add(id);
        throw error;
      }
    };
    let isStored = false;
    const check = async (): Promise<void> => {
      isStored = await this.#isStored(id, offset, bytes);
    };
    const onDropped = (): void => {
      if (!isStored) this.#refused.add(id);
    };
    return this.#inOrder(id, work, { check, onDropped });
  }

  /** A chunk of this upload was refused before it came here: what follows it finds it missing. */
  skipChunk(id: string): void {
    void this.#calls.run(id, async () => this.#refused.add(id));
  }

  /** @throws ArtifactError `too_large`, `checksum_mismatch`, `invalid_argument` */
  #checkChunk(bytes: Uint8Array, sha256: string | undefined): void {
    const { maxChunkBytes } = this.#dependencies;
    checkDigest("sha256", sha256);
    if (bytes.length > maxChunkBytes) throw chunkTooLarge(bytes.length, maxChunkBytes, "send_smaller_chunks");
    if (sha256 !== undefined) checkChunkDigest(bytes, sha256);
  }

  /**
   * Appends what a source brings, of any length; the last call for a session goes on, a stream that is still running
   * ends for it. Publishes a full session, and with `isLast` one whose size was not declared.
   *
   * @throws ArtifactError as `append` does; what has broken the source, once all that came before is stored
   */
  async appendStream(id: string, source: ByteSource, options: AppendStream = {}): Promise<UploadSession> {
    const { isLast = false, sha256 } = options;
    checkDigest("sha256", sha256);
    const stream = await this.#calls.run(id, () => this.#openStream(id, source, options));
    const row = await stream.run().finally(() => {
      if (this.#streams.get(id) === stream) this.#streams.delete(id);
    });
    if (!isLast && takesMore(row.value)) return this.#show(row.value);
    return this.#inOrder(id, async () => {
      const now = await this.#appender.live(id);
      if (isLast) checkEnd(now.value, stream.end);
      return isLast ? this.#publish(now, { sha256 }) : this.#publishFull(now, { sha256 });
    });
  }

  async #openStream(id: string, source: ByteSource, options: AppendStream): Promise<UploadStream> {
    await this.#streams.get(id)?.stop();
    this.#newest.delete(id);
    const stream = new UploadStream(this.#appender, await this.#appender.live(id), source, options);
    this.#streams.set(id, stream);
    if (this.#isStopping) void stream.stop();
    return stream;
  }

  /**
   * Says how long an upload will be that was created without a size; saying the same again is no change. Publishes it
   * where all of it is there, and has this digest.
   *
   * @throws ArtifactError `invalid_argument` where it has another size, or more bytes than that; `session_closed`,
   * `session_expired`, `too_large`; `checksum_mismatch`, the bytes kept
   */
  async declareSize(id: string, size: number, sha256?: string): Promise<UploadSession> {
    this.#appender.checkArtifactBytes(size);
    checkDigest("sha256", sha256);
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.stop();
      for (;;) {
        const row = await this.#appender.live(id);
        checkSize(row.value, size);
        // Size and publication are one change: of an upload that is full, others would not ask for the digest.
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

  /** Publishes a session that is full, as its appender may have died before it did. */
  async get(id: string): Promise<UploadSession> {
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.flush();
      const row = await this.#appender.live(id);
      return isReady(row.value) && !this.#dependencies.readOnly ? this.#publish(row) : row.value;
    });
  }

  /** What was said of the artifact when the session was created. */
  async metadata(id: string): Promise<Readonly<Record<string, string>>> {
    return (await this.#appender.live(id)).value.metadata;
  }

  /** Sessions by bucket and key, unfinished and finished. @throws ArtifactError `invalid_argument` */
  async list({ bucket, cursor, limit, ...filter }: ListUploads): Promise<Page<UploadSession>> {
    const key = filter.key === undefined ? undefined : toKey(filter.key);
    const { rows, metadata, clock } = this.#dependencies;
    checkFilter(bucket, key);
    const scope = ["uploads", bucket ?? "", key ?? ""];
    const after = decodeCursor(scope, cursor);
    const index = await metadata.range(uploadPrefix(bucket, key), { after, limit: limit + 1 });
    const page = index.slice(0, limit);
    const found = await rows.sessions(page.map(({ key }) => idOf(key)));
    const data = found.map(({ value }) => this.#show(value, statusAt(value, clock.nowSeconds())));
    const last = page.at(-1)?.key;
    return index.length > limit && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
  }

  /** Idempotent. @throws ArtifactError `incomplete`, `session_closed`, `session_expired`; `invalid_argument` for a size */
  async complete(id: string, { needsEveryChunk = false, ...wanted }: CompleteChunks = {}): Promise<UploadSession> {
    checkDigest("sha256", wanted.sha256);
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.flush();
      const row = await this.#appender.live(id);
      if (this.#streams.has(id) && isUnfinished(row.value)) throw stillArriving(row);
      return this.#publish(row, { ...wanted, mayLackChunks: needsEveryChunk && this.#refused.has(id) });
    });
  }

  /** Idempotent. @throws ArtifactError `session_closed` where it is complete; `session_expired` */
  async abort(id: string): Promise<UploadSession> {
    const { ender, quota } = this.#dependencies;
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.stop();
      const row = await this.#appender.live(id);
      this.#newest.delete(id);
      if (row.value.status === "expired") throw closedError(row.value);
      const ended = await ender.end(row, "aborted");
      const { offset } = row.value;
      if (isUnfinished(row.value)) quota.freed({ openSessions: 1, unfinishedBytes: offset, storedBytes: offset });
      if (ended === undefined) throw unknownSession(id);
      if (ended.value.status === "complete") throw closedError(ended.value);
      return ended.value;
    });
  }

  /**
   * Aborts an upload, or, where it is complete, only hides it: what it has published stays.
   *
   * @throws ArtifactError `session_closed`, `session_expired`
   */
  async dismiss(id: string): Promise<void> {
    const row = await this.#appender.live(id);
    if (row.value.status === "complete") await this.#calls.run(id, () => this.#dependencies.ender.hide(row));
    else await this.abort(id);
  }

  /** Ends the streams with what they have stored, lets the calls that have arrived end, then closes what is open. */
  async close(): Promise<void> {
    await this.stopStreams();
    await this.#calls.drained();
    await this.#dependencies.staging.close();
  }

  /** Ends the streams that are running, and any that still begins; all that they have received is stored then. */
  async stopStreams(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#streams.values()].map((stream) => stream.stop()));
  }

  #show(record: SessionRecord, status?: UploadStatus): UploadSession {
    return toUploadSession(record, this.#dependencies.links, status);
  }

  /** A caller that waits long for a publication hears of the session as it is. */
  async #inOrder(id: string, work: () => Promise<SessionRecord>, waiting?: WaitingCall): Promise<UploadSession> {
    return this.#show(await this.#calls.answer(id, work, waiting));
  }

  /**
   * Whether all bytes of an append are stored already. Those of them that are stored are the same.
   *
   * @throws ArtifactError as `append` does
   */
  async #isStored(id: string, offset: number, bytes: Uint8Array): Promise<boolean> {
    for (;;) {
      const row = await this.#appender.live(id);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      const isSame = await this.#appender.isReplay(row, offset, bytes.subarray(0, overlap));
      if (isSame) return overlap === bytes.length;
    }
  }

  async #append(id: string, offset: number, bytes: Uint8Array): Promise<SessionRecord> {
    const next = await this.#appendNext(id, offset, bytes);
    if (next !== undefined) return this.#publishFull(next);
    for (;;) {
      const row = await this.#appender.live(id);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      this.#appender.checkArtifactBytes(offset + bytes.length);
      if (!(await this.#appender.isReplay(row, offset, bytes.subarray(0, overlap)))) continue;
      const now = overlap === bytes.length ? row : await this.#accept(row, bytes.subarray(overlap));
      if (now !== undefined) return this.#publishFull(now);
    }
  }

  /**
   * An append that follows the last one here asks for no row: that it was still the newest is proved by the
   * compare-and-set. Undefined where that lost, and for every other append.
   */
  async #appendNext(id: string, offset: number, bytes: Uint8Array): Promise<SessionRow | undefined> {
    const row = this.#newest.get(id);
    const end = offset + bytes.length;
    const isNext =
      row !== undefined &&
      row.value.offset === offset &&
      bytes.length > 0 &&
      (row.value.size === null || end <= row.value.size) &&
      statusAt(row.value, this.#dependencies.clock.nowSeconds()) === "open";
    if (!isNext) return undefined;
    this.#appender.checkArtifactBytes(end);
    return this.#accept(row, bytes);
  }

  /** Makes bytes durable and then makes them count; undefined where somebody else changed the session first. */
  async #accept(row: SessionRow, bytes: Uint8Array): Promise<SessionRow | undefined> {
    this.#newest.delete(row.value.id);
    const now = await this.#appender.append(row, bytes);
    if (now !== undefined && !isFull(now.value)) this.#remember(now);
    return now;
  }

  #remember(row: SessionRow): void {
    this.#newest.set(row.value.id, row);
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > maxOpenPieces && oldest !== undefined) this.#newest.delete(oldest);
  }

  /** What a session has become that has just taken bytes. */
  async #publishFull(row: SessionRow, wanted?: CompleteUpload): Promise<SessionRecord> {
    return takesMore(row.value) ? row.value : this.#publish(row, wanted);
  }

  async #publish(row: SessionRow, wanted?: CompleteUpload): Promise<SessionRecord> {
    const { id, offset } = row.value;
    this.#newest.delete(id);
    const record = await this.#calls.publish(row.value, () => this.#dependencies.publisher.publish(row, wanted));
    if (isUnfinished(row.value)) {
      const { quota } = this.#dependencies;
      if (record.is_listed) quota.freed({ openSessions: 1, unfinishedBytes: offset });
      if (record.artifact?.session !== id) quota.freed({ storedBytes: offset }); // a version had them already
    }
    return record;
  }
}

function givenUp(cause?: unknown): ArtifactError {
  const message = "Saving took too long and was given up. Nothing was saved.";
  return new ArtifactError("internal", message, { next: "call_again", cause });
}

const emptyDigest = sha256Of("");

/**
 * The same for two requests that ask for the same session. The number that a strict guard stands for is no part of it:
 * it is told from the newest version, which is another one once the first of them has been answered.
 */
function requestOf(
  { size, sha256, if_version, isStrict, metadata = {}, from }: CreateUpload,
  mime_type: string,
): string {
  const source = from && [from.bucket, from.key, from.version ?? null];
  const about = Object.entries(metadata).sort();
  const guard = isStrict ? "strict" : (if_version ?? null);
  return sha256Of(JSON.stringify([mime_type, size ?? null, sha256 ?? null, guard, about, source ?? null]));
}

/** @throws ArtifactError `invalid_argument` */
function checkFilter(bucket: string | undefined, key: string | undefined): void {
  if (bucket !== undefined) checkBucket(bucket);
  if (key !== undefined && bucket === undefined) {
    throw new ArtifactError("invalid_argument", "key needs bucket beside it.", { details: { argument: "key" } });
  }
}

/** @throws ArtifactError `checksum_mismatch` */
function checkChunkDigest(bytes: Uint8Array, sha256: string): void {
  const actual = sha256Of(bytes);
  if (actual === sha256) return;
  throw checksumMismatch(sha256, actual, "this chunk", { next: "send_again" }, "Nothing of the chunk was kept.");
}
