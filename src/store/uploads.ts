import { createHash } from "node:crypto";
import { checkBucket, checkDigest, checkKey, checkMetadata, checkMimeType, mimeTypeOf } from "./artifact.js";
import type { BlobStore } from "./blob-store.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "./cursor.js";
import { ArtifactError } from "./errors.js";
import { publicationWaitMs } from "./limits.js";
import type { MetadataStore } from "./metadata-store.js";
import type { Ending, Publisher } from "./publish.js";
import { type Rows, type SessionRecord, type SessionRow, uploadKey } from "./rows.js";
import { createSessionQueue } from "./session-queue.js";
import { missingSegment, type SealedFile, type StagedBytes, type Staging } from "./staging.js";
import {
  checksumMismatch,
  closedError,
  isFull,
  offsetConflict,
  planAppend,
  statusAt,
  toUploadSession,
  type UploadSession,
  versionConflict,
} from "./upload-session.js";

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

export interface CompleteUpload {
  readonly sha256?: string | undefined;
  /** Replaces the one given at creation. */
  readonly if_version?: number | undefined;
}

/**
 * The use cases on upload sessions. A byte that an answer's `offset` counts survives kill -9 and power loss.
 *
 * @throws ArtifactError `session_not_found` from every method that takes an id; `version_conflict` and
 * `checksum_mismatch` from every one that may publish
 */
export interface Uploads {
  /** @throws ArtifactError `invalid_argument`, `too_large` */
  create(upload: CreateUpload): Promise<UploadSession>;
  /**
   * Appends `bytes` at `offset`; a replay of bytes that are stored already is accepted. Publishes a full session.
   *
   * @throws ArtifactError `offset_conflict`, `size_exceeded`, `checksum_mismatch`, `too_large`, `session_closed`,
   * `session_expired`
   */
  append(id: string, offset: number, bytes: Uint8Array, sha256?: string): Promise<UploadSession>;
  get(id: string): Promise<UploadSession>;
  /** Sessions by bucket and key, unfinished and finished. @throws ArtifactError `invalid_argument` */
  list(filter: { bucket?: string | undefined; key?: string | undefined } & PageOptions): Promise<Page<UploadSession>>;
  /** Idempotent. @throws ArtifactError `incomplete`, `session_closed`, `session_expired` */
  complete(id: string, options?: CompleteUpload): Promise<UploadSession>;
  /** Idempotent. @throws ArtifactError `session_closed` where it is complete */
  abort(id: string): Promise<UploadSession>;
  /** Lets the calls that have arrived end, then closes what is open. */
  close(): Promise<void>;
}

export interface UploadsDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly staging: Staging;
  readonly publisher: Publisher;
  readonly nowSeconds: () => number;
  readonly newId: () => string;
  readonly sessionTtlMs: number;
  readonly maxArtifactBytes: number;
  readonly maxChunkBytes: number;
  /** Nothing is changed on the way of a read: neither published nor expired. */
  readonly readOnly: boolean;
}

export function createUploads(dependencies: UploadsDependencies): Uploads {
  const { rows, metadata, blobs, staging, publisher, nowSeconds, newId } = dependencies;
  const { sessionTtlMs, maxArtifactBytes, maxChunkBytes, readOnly } = dependencies;
  const queue = createSessionQueue();
  /** Sessions that this process is publishing now, as they were when it began. */
  const publishing = new Map<string, SessionRecord>();
  /** Why a publication failed that nobody waited for any more: told to who asks next. */
  const failures = new Map<string, unknown>();

  const expiry = (now: number): number => now + Math.ceil(sessionTtlMs / 1000);

  /** Runs `work` in the session's order; a caller that waits long for a publication hears `completing` instead. */
  async function inOrder(id: string, work: () => Promise<SessionRecord>): Promise<UploadSession> {
    const result = queue.run(id, () => {
      if (!failures.has(id)) return work();
      const failure = failures.get(id);
      failures.delete(id);
      throw failure;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, publicationWaitMs, undefined);
    });
    const record = await Promise.race([result, late]).finally(() => clearTimeout(timer));
    if (record !== undefined) return toUploadSession(record);
    const unfinished = publishing.get(id);
    if (unfinished === undefined) return toUploadSession(await result);
    result.catch((error) => failures.set(id, error));
    return toUploadSession(unfinished, "completing");
  }

  /** The session now; one that is past its time is ended on the way. @throws ArtifactError `session_not_found` */
  async function live(id: string): Promise<SessionRow> {
    const row = await rows.session(id);
    if (row === undefined || row.value.origin === "save") throw unknownSession(id);
    if (statusAt(row.value, nowSeconds()) !== "expired" || row.value.status === "expired") return row;
    if (readOnly) return { ...row, value: { ...row.value, status: "expired" } };
    await staging.forget(id);
    const ended = await publisher.end(row, "expired");
    if (ended === undefined) throw unknownSession(id);
    return ended;
  }

  async function append(id: string, offset: number, bytes: Uint8Array): Promise<SessionRecord> {
    for (;;) {
      const row = await live(id);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      const fresh = bytes.subarray(overlap);
      checkArtifactBytes(offset + bytes.length);
      if (overlap > 0) {
        const stored = await storedBytes(row, offset, overlap);
        if (stored === undefined) continue;
        if (Buffer.compare(stored, bytes.subarray(0, overlap)) !== 0) {
          throw offsetConflict(
            row.value,
            `The bytes at offset ${offset} are not those that were uploaded there before`,
          );
        }
      }
      const now = fresh.length === 0 ? row : await accept(row, fresh);
      if (now === undefined) continue;
      if (now.value.status === "held") return publish(id, {});
      const goesOn = now.value.status === "completing" || (now.value.status === "open" && isFull(now.value));
      return goesOn ? publish(id, {}) : now.value;
    }
  }

  /** Makes bytes durable and then makes them count; undefined where somebody else changed the session first. */
  async function accept(row: SessionRow, bytes: Uint8Array): Promise<SessionRow | undefined> {
    const staged = await staging.stage(row.value, bytes);
    if (staged === undefined) return changedOrCorrupt(row);
    const offset = row.value.offset + bytes.length;
    const value = { ...row.value, offset, segments: staged.segments, expires_at: expiry(nowSeconds()) };
    const now = await replaceOrLeave(row, value, staged);
    await (now ? staged.keep() : staged.giveBack());
    return now;
  }

  async function replaceOrLeave(row: SessionRow, value: SessionRecord, staged: StagedBytes) {
    try {
      return await rows.replaceSession(row, value);
    } catch (error) {
      await staged.leave();
      throw error;
    }
  }

  /** Bytes that the row counts, wherever they lie by now; undefined where the row has changed meanwhile. */
  async function storedBytes(row: SessionRow, offset: number, length: number): Promise<Uint8Array | undefined> {
    const { status, artifact } = row.value;
    if (status !== "complete") {
      const stored = await staging.read(row.value, offset, length);
      return stored ?? changedOrCorrupt(row);
    }
    const reader = artifact && (await blobs.openBlob(artifact.session));
    if (!reader) throw closedError(row.value); // deleted since: there is nothing to compare with
    try {
      return await reader.read(offset, length);
    } finally {
      await reader.close();
    }
  }

  /** A segment of the row is gone. @throws ArtifactError `corrupt` where the row still names it */
  async function changedOrCorrupt(row: SessionRow): Promise<undefined> {
    const again = await rows.session(row.value.id);
    if (again?.text === row.text)
      throw missingSegment(row.value, row.value.segments.map(({ name }) => name).join(", "));
    return undefined;
  }

  /** Brings a session with all its bytes to `complete`. */
  async function publish(id: string, wanted: CompleteUpload): Promise<SessionRecord> {
    const row = await live(id);
    publishing.set(id, row.value);
    try {
      return await publishFrom(row, wanted);
    } finally {
      publishing.delete(id);
    }
  }

  async function publishFrom(first: SessionRow, wanted: CompleteUpload): Promise<SessionRecord> {
    const { id } = first.value;
    for (let row = first; ; row = await live(id)) {
      // Set back to 0 by somebody else's failed completion: what is there now is not what this call meant.
      if (row.value.offset < first.value.offset) throw incomplete(row.value, first.value.offset);
      const ready = await readyToCommit(row, wanted);
      if (ready === undefined) continue;
      if (ready.value.status !== "completing") return ready.value;
      const ending = await publisher.commit(ready);
      await staging.forget(id);
      if (ending.kind === "held" && supersedes(wanted, ready.value)) continue;
      return answer(id, ending, ready.value);
    }
  }

  /** A held session is tried again only where its guard is another, or on explicit demand. */
  function supersedes(wanted: CompleteUpload, record: SessionRecord): boolean {
    return wanted.if_version !== undefined && wanted.if_version !== record.if_version;
  }

  async function answer(id: string, ending: Ending, sealed: SessionRecord): Promise<SessionRecord> {
    switch (ending.kind) {
      case "published": {
        const row = await rows.session(id);
        if (row?.value.status === "complete") return row.value;
        return { ...sealed, status: "complete", artifact: ending.version };
      }
      case "held":
        throw versionConflict(sealed, ending.newest);
      case "ended":
        throw ending.session ? closedError(ending.session.value) : unknownSession(id);
    }
  }

  /**
   * One step towards `completing`: the row where it is that far (or complete already), undefined where it has
   * changed meanwhile.
   */
  async function readyToCommit(row: SessionRow, wanted: CompleteUpload): Promise<SessionRow | undefined> {
    const { status, sealed, artifact } = row.value;
    switch (status) {
      case "complete":
        checkWanted(wanted, artifact?.sha256);
        return row;
      case "completing":
        checkWanted(wanted, sealed?.sha256);
        return row;
      case "held": {
        checkWanted(wanted, sealed?.sha256);
        const if_version = wanted.if_version ?? row.value.if_version;
        return rows.replaceSession(row, { ...row.value, status: "completing", if_version });
      }
      case "open":
        return seal(row, wanted);
      default:
        throw closedError(row.value);
    }
  }

  /** From `open` to `completing`, naming one file that holds exactly the session's bytes. */
  async function seal(row: SessionRow, wanted: CompleteUpload): Promise<SessionRow | undefined> {
    const { id, bucket, key, offset, size } = row.value;
    if (size !== null && offset < size) throw incomplete(row.value, size);
    const file = await staging.seal(row.value);
    if (file === undefined) return changedOrCorrupt(row);
    let named: SessionRow | undefined;
    try {
      checkWanted(wanted, file.sha256);
      if (row.value.sha256 !== null && row.value.sha256 !== file.sha256) await setBack(row, file.sha256);
      else {
        const base = (await rows.artifact(bucket, key))?.value.last ?? 0;
        named = await rows.replaceSession(row, {
          ...row.value,
          status: "completing",
          segments: [{ name: file.name, bytes: offset }],
          sealed: { sha256: file.sha256, base },
          if_version: wanted.if_version ?? row.value.if_version,
        });
      }
    } catch (error) {
      await unseal(row, file);
      throw error;
    }
    if (named === undefined) await unseal(row, file);
    else await staging.forget(id);
    return named;
  }

  /** A copy that no row came to name is removed again; after an error, only where the row certainly does not. */
  async function unseal({ value: { id } }: SessionRow, file: SealedFile): Promise<void> {
    if (!file.copied) return;
    const now = await rows.session(id);
    if (now?.value.segments.some(({ name }) => name === file.name)) return;
    await blobs.removeSegments(id, [file.name]);
  }

  /** The content is not what was announced: nothing of it is kept. */
  async function setBack(row: SessionRow, actual: string): Promise<void> {
    const { id, segments, sha256 } = row.value;
    if (sha256 === null || !(await rows.replaceSession(row, { ...row.value, offset: 0, segments: [] }))) return;
    await staging.forget(id);
    await blobs.removeSegments(
      id,
      segments.map(({ name }) => name),
    );
    const next =
      "Nothing was published and the session is set back: upload the content again from offset 0, or abort it and create a session with the right sha256.";
    throw checksumMismatch(sha256, actual, "the uploaded content", next, 0);
  }

  /** @throws ArtifactError `too_large` */
  function checkArtifactBytes(bytes: number): void {
    if (bytes <= maxArtifactBytes) return;
    throw new ArtifactError(
      "too_large",
      `An artifact is at most ${maxArtifactBytes} bytes here, and this would be ${bytes}. Nothing was stored. Split the content over several keys, or ask the person who runs this server to raise --max-artifact-bytes.`,
      { bytes, max_artifact_bytes: maxArtifactBytes },
    );
  }

  return {
    async create(upload) {
      const { bucket, key, size, sha256, if_version, metadata: about = {} } = upload;
      const mime_type = upload.mime_type ?? mimeTypeOf(key, "application/octet-stream");
      checkBucket(bucket);
      checkKey(key);
      checkMimeType(mime_type);
      checkMetadata(about);
      checkDigest("sha256", sha256);
      checkArtifactBytes(size ?? 0);
      if (size === 0 && sha256 !== undefined && sha256 !== emptyDigest) {
        const next = "No session was created: give the right sha256, or leave it out.";
        throw checksumMismatch(sha256, emptyDigest, "empty content", next);
      }
      const id = newId();
      const created_at = nowSeconds();
      await metadata.put(uploadKey(bucket, key, id), "{}");
      const row = await rows.insertSession({
        ...{ id, origin: "upload", bucket, key, mime_type, metadata: about },
        ...{ size: size ?? null, sha256: sha256 ?? null, if_version: if_version ?? null },
        ...{ status: "open", offset: 0, segments: [], sealed: null, artifact: null },
        ...{ created_at, expires_at: expiry(created_at) },
      });
      if (row === undefined) throw new Error(`session id ${id} was given twice`);
      return size === 0 ? inOrder(id, () => publish(id, {})) : toUploadSession(row.value);
    },

    async append(id, offset, bytes, sha256) {
      checkDigest("sha256", sha256);
      if (bytes.length > maxChunkBytes) throw chunkTooLarge(bytes.length, maxChunkBytes);
      if (sha256 !== undefined) checkChunkDigest(bytes, sha256);
      return inOrder(id, () => append(id, offset, bytes));
    },

    get: (id) =>
      inOrder(id, async () => {
        const { value } = await live(id);
        const unfinished = value.status === "completing" || (value.status === "open" && isFull(value));
        return unfinished && !readOnly ? publish(id, {}) : value;
      }),

    async list({ bucket, key, cursor, limit }) {
      if (bucket !== undefined) checkBucket(bucket);
      if (key !== undefined) checkKey(key);
      if (key !== undefined && bucket === undefined) {
        throw new ArtifactError("invalid_argument", "key needs bucket beside it.", { argument: "key" });
      }
      const scope = ["uploads", bucket ?? "", key ?? ""];
      const prefix = `upload:${bucket === undefined ? "" : `${bucket}:`}${key === undefined ? "" : `${key}:`}`;
      const index = await metadata.range(prefix, { after: decodeCursor(scope, cursor), limit: limit + 1 });
      const page = index.slice(0, limit);
      const found = await rows.sessions(page.map((row) => row.key.slice(row.key.lastIndexOf(":") + 1)));
      const data = found.map(({ value }) => toUploadSession(value, statusAt(value, nowSeconds())));
      const last = page.at(-1)?.key;
      return index.length > limit && last !== undefined ? { data, next_cursor: encodeCursor(scope, last) } : { data };
    },

    async complete(id, options = {}) {
      checkDigest("sha256", options.sha256);
      return inOrder(id, () => publish(id, options));
    },

    abort: (id) =>
      inOrder(id, async () => {
        const row = await live(id);
        await staging.forget(id);
        const ended = await publisher.end(row, "aborted");
        if (ended === undefined) throw unknownSession(id);
        if (ended.value.status === "complete") throw closedError(ended.value);
        return ended.value;
      }),

    async close() {
      await queue.drained();
      await staging.close();
    },
  };
}

const emptyDigest = createHash("sha256").digest("hex");

function unknownSession(id: string): ArtifactError {
  return new ArtifactError(
    "session_not_found",
    "There is no upload session with this id. Find it again with list_upload_sessions (by bucket and key), or create one with create_upload_session.",
    { session_id: id.slice(0, 100) },
  );
}

function incomplete({ id, offset }: SessionRecord, size: number): ArtifactError {
  return new ArtifactError(
    "incomplete",
    `${offset} of ${size} bytes are stored. Upload the rest from offset ${offset}, or abort and create a session without size.`,
    { session_id: id, offset, size },
  );
}

function checkWanted(wanted: CompleteUpload, actual: string | undefined): void {
  if (wanted.sha256 === undefined || actual === undefined || wanted.sha256 === actual) return;
  const next =
    "The uploaded bytes are kept and not published by this call: complete again with the right sha256 or without it, or abort.";
  throw checksumMismatch(wanted.sha256, actual, "the uploaded content", next);
}

function checkChunkDigest(bytes: Uint8Array, sha256: string): void {
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== sha256) {
    const next = "Nothing of the chunk was kept: send it again from the same offset.";
    throw checksumMismatch(sha256, actual, "this chunk", next);
  }
}

export function chunkTooLarge(bytes: number, maxChunkBytes: number): ArtifactError {
  return new ArtifactError(
    "too_large",
    `One call takes at most ${maxChunkBytes} bytes of content, and this is ${bytes}. Nothing was stored. Create a session with create_upload_session and send the content in smaller chunks.`,
    { bytes, max_chunk_bytes: maxChunkBytes },
  );
}
