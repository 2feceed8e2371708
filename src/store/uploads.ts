import { checkBucket, checkDigest, checkKey, checkMetadata, checkMimeType, mimeTypeOf, sha256Of } from "./artifact.js";
import type { BlobStore } from "./blob-store.js";
import { type CompleteUpload, Completion } from "./completion.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "./cursor.js";
import { ArtifactError } from "./errors.js";
import { publicationWaitMs } from "./limits.js";
import type { MetadataStore } from "./metadata-store.js";
import type { Publisher } from "./publish.js";
import { withReserve } from "./reserve.js";
import { idOf, type Rows, type SessionRecord, type SessionRow, uploadKey, uploadPrefix, uploadText } from "./rows.js";
import { SessionQueue } from "./session-queue.js";
import type { Staging } from "./staging.js";
import {
  checksumMismatch,
  closedError,
  isFull,
  isUnfinished,
  offsetConflict,
  planAppend,
  statusAt,
  toUploadSession,
  type UploadSession,
  unknownSession,
} from "./upload-session.js";
import type { Usage } from "./usage.js";
import { withinMs } from "./within-ms.js";

export interface CreateUpload {
  readonly bucket: string;
  readonly key: string;
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

export interface UploadsDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly staging: Staging;
  readonly publisher: Publisher;
  readonly usage: Usage;
  readonly nowSeconds: () => number;
  readonly newId: () => string;
  readonly sessionTtlMs: number;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  /** Nothing is changed on the way of a read: neither published nor expired. */
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
  readonly #completion: Completion;
  readonly #queue = new SessionQueue();
  /** Sessions that this process is publishing now, as they were when it began. */
  readonly #publishing = new Map<string, SessionRecord>();
  /** Why a publication failed that nobody waited for any more: told to who asks next. */
  readonly #missed = new Map<string, unknown>();

  constructor(dependencies: UploadsDependencies) {
    this.#dependencies = dependencies;
    this.#completion = new Completion(dependencies);
  }

  /** @throws ArtifactError `invalid_argument`, `too_large`, `storage_full` */
  async create(upload: CreateUpload): Promise<UploadSession> {
    const { newId, nowSeconds, usage } = this.#dependencies;
    const { bucket, key, size, sha256, if_version, metadata: about = {} } = upload;
    const mime_type = upload.mime_type ?? mimeTypeOf(key, "application/octet-stream");
    checkBucket(bucket);
    checkKey(key);
    checkMimeType(mime_type);
    checkMetadata(about);
    checkDigest("sha256", sha256);
    this.#checkArtifactBytes(size ?? 0);
    if (size === 0 && sha256 !== undefined && sha256 !== emptyDigest) {
      const next = "No session was created: give the right sha256, or leave it out.";
      throw checksumMismatch(sha256, emptyDigest, "empty content", next);
    }
    const id = newId();
    const created_at = nowSeconds();
    const record: SessionRecord = {
      ...{ id, origin: "upload", bucket, key, mime_type, metadata: about },
      ...{ size: size ?? null, sha256: sha256 ?? null, if_version: if_version ?? null },
      ...{ status: "open", offset: 0, segments: [], sealed: null, artifact: null },
      ...{ created_at, expires_at: this.#expiry(created_at) },
    };
    await usage.check({ storedBytes: size ?? 0, unfinishedBytes: size ?? 0 });
    const row = await usage.during({ openSessions: 1 }, () => this.#insert(record));
    return size === 0 ? this.#inOrder(id, () => this.#publish(row)) : toUploadSession(row.value);
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
  async append(id: string, offset: number, bytes: Uint8Array, sha256?: string): Promise<UploadSession> {
    const { maxChunkBytes } = this.#dependencies;
    checkDigest("sha256", sha256);
    const next = "Send the same content to this session in smaller chunks, from the same offset.";
    if (bytes.length > maxChunkBytes) throw chunkTooLarge(bytes.length, maxChunkBytes, next);
    if (sha256 !== undefined) checkChunkDigest(bytes, sha256);
    return this.#inOrder(id, () => this.#append(id, offset, bytes));
  }

  /** Publishes a session that is full, as its appender may have died before it did. */
  async get(id: string): Promise<UploadSession> {
    return this.#inOrder(id, async () => {
      const row = await this.#live(id);
      this.#throwMissed(row.value);
      const isToPublish = row.value.status === "completing" || (row.value.status === "open" && isFull(row.value));
      return isToPublish && !this.#dependencies.readOnly ? this.#publish(row) : row.value;
    });
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
    const data = found.map(({ value }) => toUploadSession(value, statusAt(value, nowSeconds())));
    const last = page.at(-1)?.key;
    return index.length > limit && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
  }

  /** Idempotent. @throws ArtifactError `incomplete`, `session_closed`, `session_expired` */
  async complete(id: string, wanted: CompleteUpload = {}): Promise<UploadSession> {
    checkDigest("sha256", wanted.sha256);
    return this.#inOrder(id, async () => {
      const row = await this.#live(id);
      this.#throwMissed(row.value);
      return this.#publish(row, wanted);
    });
  }

  /** Idempotent. @throws ArtifactError `session_closed` where it is complete */
  async abort(id: string): Promise<UploadSession> {
    const { staging, publisher, blobs, usage } = this.#dependencies;
    return this.#inOrder(id, async () => {
      const row = await this.#live(id);
      this.#missed.delete(id);
      await staging.forget(id);
      const ended = await withReserve(blobs, () => publisher.end(row, "aborted"));
      const { offset } = row.value;
      if (isUnfinished(row.value)) usage.freed({ openSessions: 1, unfinishedBytes: offset, storedBytes: offset });
      if (ended === undefined) throw unknownSession(id);
      if (ended.value.status === "complete") throw closedError(ended.value);
      return ended.value;
    });
  }

  /** Lets the calls that have arrived end, then closes what is open. */
  async close(): Promise<void> {
    await this.#queue.drained();
    await this.#dependencies.staging.close();
  }

  /** Runs `work` in the session's order; a caller that waits long for a publication hears `completing` instead. */
  async #inOrder(id: string, work: () => Promise<SessionRecord>): Promise<UploadSession> {
    let hasBegun = false;
    const result = this.#queue.run(id, () => {
      hasBegun = true;
      return work();
    });
    for (let waitMs = publicationWaitMs; ; waitMs = publicationLookMs) {
      const record = await withinMs(waitMs, result);
      if (record !== undefined) return toUploadSession(record);
      const unfinished = this.#publishing.get(id);
      if (unfinished === undefined) continue;
      // What this call's own publication fails with is kept; a call that only waited for it can be made again.
      const isOwn = hasBegun;
      result.catch((error) => isOwn && this.#missed.set(id, error));
      return toUploadSession(unfinished, "completing");
    }
  }

  /** @throws the failure that nobody waited for, once, where it still says how the session stands */
  #throwMissed({ id, status }: SessionRecord): void {
    const failure = this.#missed.get(id);
    this.#missed.delete(id);
    if (failure !== undefined && (status === "open" || status === "held")) throw failure;
  }

  /** The session now; one that is past its time is ended on the way. @throws ArtifactError `session_not_found` */
  async #live(id: string): Promise<SessionRow> {
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

  async #append(id: string, offset: number, bytes: Uint8Array): Promise<SessionRecord> {
    const { usage } = this.#dependencies;
    for (;;) {
      const row = await this.#live(id);
      this.#throwMissed(row.value);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      this.#checkArtifactBytes(offset + bytes.length);
      if (!(await this.#isReplay(row, offset, bytes.subarray(0, overlap)))) continue;
      const fresh = bytes.subarray(overlap);
      const need = { unfinishedBytes: fresh.length, storedBytes: fresh.length };
      const now = fresh.length === 0 ? row : await usage.during(need, () => this.#accept(row, fresh));
      if (now === undefined) continue;
      const mayStayOpen = now.value.status === "open" && !isFull(now.value);
      return mayStayOpen || now.value.status === "complete" ? now.value : this.#publish(now);
    }
  }

  /**
   * Whether bytes that are stored already are the same; false where the session has changed meanwhile.
   *
   * @throws ArtifactError `offset_conflict` where they differ
   */
  async #isReplay(row: SessionRow, offset: number, bytes: Uint8Array): Promise<boolean> {
    if (bytes.length === 0) return true;
    const stored = await this.#storedBytes(row, offset, bytes.length);
    if (stored === undefined) {
      await this.#completion.throwIfUnchanged(row);
      return false;
    }
    if (Buffer.compare(stored, bytes) === 0) return true;
    throw offsetConflict(row.value, `The bytes at offset ${offset} are not those that were uploaded there before`);
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

  /** Makes bytes durable and then makes them count; undefined where somebody else changed the session first. */
  async #accept(row: SessionRow, bytes: Uint8Array): Promise<SessionRow | undefined> {
    const { rows, staging, nowSeconds } = this.#dependencies;
    const staged = await staging.stage(row.value, bytes);
    if (staged === undefined) {
      await this.#completion.throwIfUnchanged(row);
      return undefined;
    }
    const offset = row.value.offset + bytes.length;
    const value = { ...row.value, offset, segments: staged.segments, expires_at: this.#expiry(nowSeconds()) };
    const now = await rows.replaceSession(row, value).catch(async (error) => {
      await staged.leave();
      throw error;
    });
    await (now ? staged.keep() : staged.giveBack());
    return now;
  }

  async #publish(row: SessionRow, wanted?: CompleteUpload): Promise<SessionRecord> {
    const { id, offset } = row.value;
    this.#publishing.set(id, row.value);
    try {
      const record = await this.#completion.publish(row, wanted);
      if (isUnfinished(row.value)) this.#dependencies.usage.freed({ openSessions: 1, unfinishedBytes: offset });
      return record;
    } finally {
      this.#publishing.delete(id);
    }
  }

  #expiry(nowSeconds: number): number {
    return nowSeconds + Math.ceil(this.#dependencies.sessionTtlMs / 1000);
  }

  /** @throws ArtifactError `too_large` */
  #checkArtifactBytes(bytes: number): void {
    const { maxArtifactBytes } = this.#dependencies;
    if (bytes > maxArtifactBytes) throw artifactTooLarge(bytes, maxArtifactBytes);
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

export function artifactTooLarge(bytes: number, maxArtifactBytes: number): ArtifactError {
  return new ArtifactError(
    "too_large",
    `An artifact is at most ${maxArtifactBytes} bytes here, and this would be ${bytes}. Nothing was stored. Split the content over several keys, or ask the person who runs this server to raise --max-artifact-bytes.`,
    { bytes, max_artifact_bytes: maxArtifactBytes },
  );
}
