import { Appending, type AppendingDependencies } from "./appending.js";
import { checkBucket, checkDigest, checkKey, checkMetadata, checkMimeType, mimeTypeOf, sha256Of } from "./artifact.js";
import type { ByteSource } from "./byte-source.js";
import { type CompleteUpload, Completion } from "./completion.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "./cursor.js";
import { ArtifactError } from "./errors.js";
import { maxOpenSegments, publicationWaitMs } from "./limits.js";
import type { Links } from "./links.js";
import type { MetadataStore } from "./metadata-store.js";
import { withReserve } from "./reserve.js";
import { idOf, type SessionRecord, type SessionRow, uploadKey, uploadPrefix, uploadText } from "./rows.js";
import { SessionQueue } from "./session-queue.js";
import {
  checksumMismatch,
  closedError,
  isFull,
  isUnfinished,
  planAppend,
  statusAt,
  takesMore,
  toUploadSession,
  type UploadSession,
  type UploadStatus,
  unknownSession,
} from "./upload-session.js";
import { type StreamOptions, stillArriving, UploadStream } from "./upload-stream.js";
import { withinMs } from "./within-ms.js";

export interface CreateUpload {
  readonly bucket: string;
  /** Left out, the session's id. */
  readonly key?: string | undefined;
  readonly mime_type?: string | undefined;
  /** Bytes; left out, the upload ends with `complete`. */
  readonly size?: number | undefined;
  /** Of the whole content; 64 lower-case hex. */
  readonly sha256?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
}

export interface ListUploads extends PageOptions {
  readonly bucket?: string | undefined;
  /** Needs `bucket`. */
  readonly key?: string | undefined;
}

export interface AppendOptions {
  /** Of the bytes; 64 lower-case hex. */
  readonly sha256?: string | undefined;
  /** Called once the bytes are read no more, which may be after the answer: the call may only have waited its turn. */
  readonly onDone?: (() => void) | undefined;
}

/** Of work that waits its turn. */
interface Waiting {
  /** Throws where `completing` would be the wrong answer for it: then it is refused, and never done. */
  readonly check?: () => Promise<void>;
  /** Called once it is done with, however it ended. */
  readonly onDone?: (() => void) | undefined;
}

export interface AppendStream extends StreamOptions {
  /** Nothing comes behind it: completes the upload, also where its size was not declared. */
  readonly isLast?: boolean | undefined;
}

export interface UploadsDependencies extends AppendingDependencies {
  readonly metadata: MetadataStore;
  readonly links: Links;
  readonly newId: () => string;
  readonly maxChunkBytes: number;
}

/**
 * The use cases on upload sessions. A byte that an answer's `offset` counts survives kill -9 and power loss.
 *
 * @throws ArtifactError `session_not_found` from every method that takes an id; `version_conflict` and
 * `checksum_mismatch` from every one that may publish
 */
export class Uploads {
  readonly #dependencies: UploadsDependencies;
  readonly #completion: Completion;
  readonly #queue = new SessionQueue();
  readonly #appending: Appending;
  /** Sessions as this process's last append left them, in that order: another process may have changed them since. */
  readonly #newest = new Map<string, SessionRow>();
  /** Streams that this process is taking now. */
  readonly #streams = new Map<string, UploadStream>();
  /** Sessions that this process is publishing now, as they were when it began. */
  readonly #publishing = new Map<string, SessionRecord>();
  /** Why a publication failed that nobody waited for any more: told to who asks next. */
  readonly #missed = new Map<string, unknown>();

  constructor(dependencies: UploadsDependencies) {
    this.#dependencies = dependencies;
    this.#completion = new Completion(dependencies);
    this.#appending = new Appending(dependencies, this.#completion);
  }

  /** @throws ArtifactError `invalid_argument`, `too_large`, `storage_full` */
  async create(upload: CreateUpload): Promise<UploadSession> {
    const { newId, nowSeconds, usage } = this.#dependencies;
    const id = newId();
    const { bucket, key = id, size, sha256, if_version, metadata: about = {} } = upload;
    const mime_type = upload.mime_type ?? mimeTypeOf(key, "application/octet-stream");
    checkBucket(bucket);
    checkKey(key);
    checkMimeType(mime_type);
    checkMetadata(about);
    checkDigest("sha256", sha256);
    this.#appending.checkArtifactBytes(size ?? 0);
    if (size === 0 && sha256 !== undefined && sha256 !== emptyDigest) {
      const next = "No session was created: give the right sha256, or leave it out.";
      throw checksumMismatch(sha256, emptyDigest, "empty content", next);
    }
    const created_at = nowSeconds();
    const record: SessionRecord = {
      ...{ id, origin: "upload", bucket, key, mime_type, metadata: about },
      ...{ size: size ?? null, sha256: sha256 ?? null, if_version: if_version ?? null },
      ...{ status: "open", offset: 0, segments: [], sealed: null, artifact: null },
      ...{ created_at, expires_at: this.#appending.expiry(created_at) },
    };
    await usage.check({ storedBytes: size ?? 0, unfinishedBytes: size ?? 0 });
    const row = await usage.during({ openSessions: 1 }, () => this.#insert(record));
    return size === 0 ? this.#inOrder(id, () => this.#publish(row)) : this.#show(row.value);
  }

  /** The session with its index row, which the sweep may take for a dangling one until the session is there. */
  async #insert(record: SessionRecord): Promise<SessionRow> {
    const { rows, metadata } = this.#dependencies;
    const index = { key: uploadKey(record.bucket, record.key, record.id), text: uploadText };
    for (;;) {
      await metadata.put(index.key, index.text);
      const row = await rows.insertSession(record, index);
      if (row !== undefined) return row;
      if ((await rows.session(record.id)) !== undefined) throw new Error(`session id ${record.id} was given twice`);
    }
  }

  /**
   * Appends `bytes` at `offset`; a replay of bytes that are stored already is accepted. Publishes a full session.
   *
   * @throws ArtifactError `offset_conflict`, `size_exceeded`, `checksum_mismatch`, `too_large`, `session_closed`,
   * `session_expired`
   */
  async append(id: string, offset: number, bytes: Uint8Array, options: AppendOptions = {}): Promise<UploadSession> {
    const { sha256, onDone } = options;
    const { maxChunkBytes } = this.#dependencies;
    checkDigest("sha256", sha256);
    const next = "Send the same content to this session in smaller chunks, from the same offset.";
    if (bytes.length > maxChunkBytes) throw chunkTooLarge(bytes.length, maxChunkBytes, next);
    if (sha256 !== undefined) checkChunkDigest(bytes, sha256);
    const work = async (): Promise<SessionRecord> => {
      await this.#streams.get(id)?.stop();
      return this.#append(id, offset, bytes);
    };
    return this.#inOrder(id, work, { check: () => this.#checkReplay(id, offset, bytes), onDone });
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
    const stream = await this.#queue.run(id, () => this.#openStream(id, source, options));
    const row = await stream.run().finally(() => {
      if (this.#streams.get(id) === stream) this.#streams.delete(id);
    });
    if (!isLast && takesMore(row.value)) return this.#show(row.value);
    return this.#inOrder(id, async () => {
      const now = await this.#live(id);
      return isLast ? this.#publish(now, { sha256 }) : this.#publishFull(now, { sha256 });
    });
  }

  async #openStream(id: string, source: ByteSource, options: AppendStream): Promise<UploadStream> {
    await this.#streams.get(id)?.stop();
    this.#newest.delete(id);
    const stream = new UploadStream(this.#appending, await this.#live(id), source, options);
    this.#streams.set(id, stream);
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
    this.#appending.checkArtifactBytes(size);
    checkDigest("sha256", sha256);
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.stop();
      for (;;) {
        const row = await this.#live(id);
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
    return this.#dependencies.rows.replaceSession(row, { ...row.value, size });
  }

  /** Publishes a session that is full, as its appender may have died before it did. */
  async get(id: string): Promise<UploadSession> {
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.flush();
      const row = await this.#live(id);
      const isToPublish = row.value.status === "completing" || (row.value.status === "open" && isFull(row.value));
      return isToPublish && !this.#dependencies.readOnly ? this.#publish(row) : row.value;
    });
  }

  /** What was said of the artifact when the session was created. */
  async metadata(id: string): Promise<Readonly<Record<string, string>>> {
    return (await this.#appending.live(id)).value.metadata;
  }

  /** Sessions by bucket and key, unfinished and finished. @throws ArtifactError `invalid_argument` */
  async list({ bucket, key, cursor, limit }: ListUploads): Promise<Page<UploadSession>> {
    const { rows, metadata, nowSeconds } = this.#dependencies;
    checkFilter(bucket, key);
    const scope = ["uploads", bucket ?? "", key ?? ""];
    const after = decodeCursor(scope, cursor);
    const index = await metadata.range(uploadPrefix(bucket, key), { after, limit: limit + 1 });
    const page = index.slice(0, limit);
    const found = await rows.sessions(page.map(({ key }) => idOf(key)));
    const data = found.map(({ value }) => this.#show(value, statusAt(value, nowSeconds())));
    const last = page.at(-1)?.key;
    return index.length > limit && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
  }

  /** Idempotent. @throws ArtifactError `incomplete`, `session_closed`, `session_expired` */
  async complete(id: string, wanted: CompleteUpload = {}): Promise<UploadSession> {
    checkDigest("sha256", wanted.sha256);
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.flush();
      const row = await this.#live(id);
      if (this.#streams.has(id) && isUnfinished(row.value)) throw stillArriving(row);
      return this.#publish(row, wanted);
    });
  }

  /** Idempotent. @throws ArtifactError `session_closed` where it is complete */
  async abort(id: string): Promise<UploadSession> {
    const { staging, publisher, blobs, usage } = this.#dependencies;
    return this.#inOrder(id, async () => {
      await this.#streams.get(id)?.stop();
      const row = await this.#appending.live(id);
      this.#missed.delete(id);
      this.#newest.delete(id);
      await staging.forget(id);
      const ended = await withReserve(blobs, () => publisher.end(row, "aborted"));
      const { offset } = row.value;
      if (isUnfinished(row.value)) usage.freed({ openSessions: 1, unfinishedBytes: offset, storedBytes: offset });
      if (ended === undefined) throw unknownSession(id);
      if (ended.value.status === "complete") throw closedError(ended.value);
      return ended.value;
    });
  }

  /**
   * Aborts an upload, or, where it is complete, only forgets it: what it has published stays.
   *
   * @throws ArtifactError `session_closed`
   */
  async dismiss(id: string): Promise<void> {
    const { publisher } = this.#dependencies;
    const row = await this.#appending.live(id);
    if (row.value.status !== "complete") await this.abort(id);
    else await this.#queue.run(id, () => publisher.forget(row));
  }

  /** Ends the streams with what they have stored, lets the calls that have arrived end, then closes what is open. */
  async close(): Promise<void> {
    await this.stopStreams();
    await this.#queue.drained();
    await this.#dependencies.staging.close();
  }

  /** Ends the streams that are running; all that they have received is stored then. */
  async stopStreams(): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => stream.stop()));
  }

  #show(record: SessionRecord, status?: UploadStatus): UploadSession {
    return toUploadSession(record, this.#dependencies.links, status);
  }

  /** The session now. @throws what nobody waited for, once; ArtifactError `session_not_found` */
  async #live(id: string): Promise<SessionRow> {
    const row = await this.#appending.live(id);
    this.#throwMissed(row.value);
    return row;
  }

  /** Runs `work` in the session's order; a caller that waits long for a publication hears `completing` instead. */
  async #inOrder(
    id: string,
    work: () => Promise<SessionRecord>,
    { check = async () => undefined, onDone }: Waiting = {},
  ): Promise<UploadSession> {
    let hasBegun = false;
    let refusal: { readonly error: unknown } | undefined;
    const result = this.#queue
      .run(id, async () => {
        hasBegun = true;
        if (refusal !== undefined) throw refusal.error;
        return work();
      })
      .finally(onDone);
    for (let waitMs = publicationWaitMs; ; waitMs = publicationLookMs) {
      const record = await withinMs(waitMs, result);
      if (record !== undefined) return this.#show(record);
      const unfinished = this.#publishing.get(id);
      if (unfinished === undefined) continue;
      // What this call's own publication fails with is kept; a call that only waited for it can be made again.
      const isOwn = hasBegun;
      result.catch((error) => isOwn && this.#missed.set(id, error));
      if (isOwn) return this.#show(unfinished, "completing");
      const found = await check().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (hasBegun) continue; // and what was looked at may be gone by now
      refusal = found;
      if (refusal !== undefined) throw refusal.error;
      return this.#show(unfinished, "completing");
    }
  }

  /** @throws the failure that nobody waited for, once, where it still says how the session stands */
  #throwMissed({ id, status }: SessionRecord): void {
    const failure = this.#missed.get(id);
    this.#missed.delete(id);
    if (failure !== undefined && (status === "open" || status === "held")) throw failure;
  }

  async #append(id: string, offset: number, bytes: Uint8Array): Promise<SessionRecord> {
    const next = await this.#appendNext(id, offset, bytes);
    if (next !== undefined) return this.#publishFull(next);
    for (;;) {
      const row = await this.#live(id);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      this.#appending.checkArtifactBytes(offset + bytes.length);
      if (!(await this.#appending.isReplay(row, offset, bytes.subarray(0, overlap)))) continue;
      const now = overlap === bytes.length ? row : await this.#accept(row, bytes.subarray(overlap));
      if (now !== undefined) return this.#publishFull(now);
    }
  }

  /**
   * For an append that waits for a publication: whether its bytes are stored, of a session that takes no new ones.
   *
   * @throws ArtifactError `offset_conflict`, `size_exceeded`, `session_closed`
   */
  async #checkReplay(id: string, offset: number, bytes: Uint8Array): Promise<void> {
    for (;;) {
      // Not what has expired on the way: the publication in front has it in hand.
      const row = await this.#dependencies.rows.session(id);
      if (row === undefined) throw unknownSession(id);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      if (overlap < bytes.length) throw closedError({ ...row.value, status: "completing" });
      if (await this.#appending.isReplay(row, offset, bytes)) return;
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
      statusAt(row.value, this.#dependencies.nowSeconds()) === "open";
    if (!isNext || this.#missed.has(id)) return undefined;
    this.#appending.checkArtifactBytes(end);
    return this.#accept(row, bytes);
  }

  /** Makes bytes durable and then makes them count; undefined where somebody else changed the session first. */
  async #accept(row: SessionRow, bytes: Uint8Array): Promise<SessionRow | undefined> {
    const { id } = row.value;
    this.#newest.delete(id);
    const need = { unfinishedBytes: bytes.length, storedBytes: bytes.length };
    await this.#dependencies.usage.check(need);
    const stage = await this.#appending.begin(row);
    await stage?.write(bytes);
    const now = stage && (await this.#appending.count(row, stage));
    if (now !== undefined && !isFull(now.value)) this.#remember(now);
    return now;
  }

  #remember(row: SessionRow): void {
    this.#newest.set(row.value.id, row);
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > maxOpenSegments && oldest !== undefined) this.#newest.delete(oldest);
  }

  /** What a session has become that has just taken bytes. */
  async #publishFull(row: SessionRow, wanted?: CompleteUpload): Promise<SessionRecord> {
    return takesMore(row.value) ? row.value : this.#publish(row, wanted);
  }

  async #publish(row: SessionRow, wanted?: CompleteUpload): Promise<SessionRecord> {
    const { id, offset } = row.value;
    this.#newest.delete(id);
    this.#publishing.set(id, row.value);
    try {
      const record = await this.#completion.publish(row, wanted);
      if (isUnfinished(row.value)) this.#dependencies.usage.freed({ openSessions: 1, unfinishedBytes: offset });
      return record;
    } finally {
      this.#publishing.delete(id);
    }
  }
}

/** After the wait, how often a call looks whether what it waits for is a publication by now. */
const publicationLookMs = 1_000;

const emptyDigest = sha256Of("");

/** @throws ArtifactError `invalid_argument` */
function checkFilter(bucket: string | undefined, key: string | undefined): void {
  if (bucket !== undefined) checkBucket(bucket);
  if (key === undefined) return;
  checkKey(key);
  if (bucket === undefined) {
    throw new ArtifactError("invalid_argument", "key needs bucket beside it.", { argument: "key" });
  }
}

/** @throws ArtifactError `invalid_argument` */
function checkSize({ id, size, offset }: SessionRecord, wanted: number): void {
  if (size === wanted || (size === null && offset <= wanted)) return;
  const is = size === null ? `holds ${offset} bytes already` : `was created for ${size} bytes`;
  throw new ArtifactError(
    "invalid_argument",
    `The upload ${is}, so its size cannot be ${wanted}. Nothing was changed: go on with the right size, or abort it and create another.`,
    { argument: "size", session_id: id, size, offset },
  );
}

/** @throws ArtifactError `checksum_mismatch` */
function checkChunkDigest(bytes: Uint8Array, sha256: string): void {
  const actual = sha256Of(bytes);
  if (actual === sha256) return;
  const next = "Nothing of the chunk was kept: send it again from the same offset.";
  throw checksumMismatch(sha256, actual, "this chunk", next);
}

export function chunkTooLarge(bytes: number, maxChunkBytes: number, next: string): ArtifactError {
  return new ArtifactError(
    "too_large",
    `One call takes at most ${maxChunkBytes} bytes of content, and this is ${bytes}. Nothing was stored. ${next}`,
    { bytes, max_chunk_bytes: maxChunkBytes },
  );
}
