import { type Artifact, sameStrings } from "../model/artifact.js";
import { ArtifactError, type ErrorCode } from "../model/errors.js";
import { typeOfContent, typeWindowBytes } from "../model/formats/content-type.js";
import { mimeTypeOf } from "../model/formats/media-type.js";
import { checkpointBytes, largestPageLimit } from "../model/limits.js";
import type { UploadSession } from "../model/upload-session.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { LocalFile } from "../ports/local-files.js";
import type { Uploads } from "../uploads/uploads.js";
import type { TransferOptions } from "./transfer-options.js";

/** The artifact that a file shall become. */
export interface WantedUpload {
  readonly bucket: string;
  readonly key: string;
  /** Told from the key and the content by default. */
  readonly mime_type?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  readonly expires_in?: number | undefined;
  readonly saved_by?: string | undefined;
}

/** The type of content that nothing tells more about. */
export const unknownType = "application/octet-stream";

/** Uploads open files of this machine in blocks. */
export class FileUpload {
  readonly #uploads: Uploads;
  readonly #maxChunkBytes: number;

  constructor(uploads: Uploads, maxChunkBytes: number) {
    this.#uploads = uploads;
    this.#maxChunkBytes = maxChunkBytes;
  }

  /**
   * Uploads an open file: into the session that a broken upload of the same file left, if there is one, else into a new
   * one. Returns its artifact.
   *
   * @throws ArtifactError as `upload` does
   */
  async resume(file: LocalFile, wanted: WantedUpload, options: TransferOptions): Promise<Artifact> {
    const mime_type = wanted.mime_type ?? (await defaultTypeOf(file, wanted.key));
    const begun = await this.#unfinishedUpload(file, wanted, mime_type);
    if (begun !== undefined) {
      try {
        options.onContinue?.(begun.offset);
        return await this.publish(file, begun.id, false, options);
      } catch (error) {
        if (!mayStartAgain(error, wanted)) throw error;
        options.onContinue?.(0);
      }
    }
    const { bucket, key, metadata, if_version, expires_in, saved_by } = wanted;
    const upload = { bucket, key, mime_type, metadata, if_version, expires_in, saved_by, size: file.bytes };
    const created = await this.#uploads.create(upload);
    return this.publish(file, created.id, true, options);
  }

  /** An open upload that may have the beginning of this file, and that would publish the same artifact. */
  async #unfinishedUpload(
    file: LocalFile,
    { bucket, key, metadata = {}, if_version, expires_in }: WantedUpload,
    mime_type: string,
  ): Promise<UploadSession | undefined> {
    const { data } = await this.#uploads.list({ bucket, key, limit: largestPageLimit });
    for (const session of data) {
      const { status, offset, size } = session;
      const isLike = status === "open" && offset > 0 && size === file.bytes && session.mime_type === mime_type;
      if (!isLike || session.if_version !== if_version || session.expires_in !== expires_in) continue;
      if (sameStrings(session.metadata, metadata)) return session;
    }
    return undefined;
  }

  /**
   * Uploads an open file into a session, as `upload` does, and returns its artifact. Waits for the publication, which may
   * take long.
   *
   * @throws ArtifactError as `upload` does; `session_closed` if somebody else has ended the upload
   */
  async publish(file: LocalFile, id: string, isNew: boolean, options: TransferOptions): Promise<Artifact> {
    let session = await this.upload(file, id, isNew, options);
    while (session.status === "open") {
      options.signal?.throwIfAborted();
      session = await this.#uploads.get(id); // waits for the publication
    }
    if (session.artifact !== undefined) return session.artifact;
    const message = "The file was uploaded and not published, because somebody else has ended its upload.";
    throw new ArtifactError("session_closed", message, { next: "call_again", details: { session_id: id } });
  }

  /**
   * Uploads an open file into a session. The bytes that the session has already are compared.
   *
   * @param isNew whether to abort the session if the file changes
   * @throws ArtifactError as uploads do; `invalid_argument` if the file changes
   */
  async upload(file: LocalFile, id: string, isNew: boolean, options: TransferOptions): Promise<UploadSession> {
    const blockBytes = Math.min(checkpointBytes, this.#maxChunkBytes);
    let session: UploadSession | undefined;
    let at = 0;
    for await (const block of readAhead(file.read, { start: 0, end: file.bytes, blockBytes })) {
      options.signal?.throwIfAborted();
      // The last block publishes a sized session. Before that, all blocks must be known to be of one content.
      const isLast = at + block.length === file.bytes;
      if (isLast && !(await file.isUnchanged())) throw await this.#changed(file, id, isNew);
      session = await this.#append(file, id, at, block);
      at += block.length;
      options.onProgress?.(at, file.bytes, id);
    }
    if (at === 0) options.onProgress?.(0, file.bytes, id);
    const isWhole = at === file.bytes && (at > 0 || (await file.isUnchanged()));
    if (!isWhole) throw await this.#changed(file, id, isNew);
    return session === undefined || session.status === "open" ? this.#uploads.complete(id) : session;
  }

  async #append(file: LocalFile, id: string, at: number, block: Uint8Array): Promise<UploadSession> {
    const end = at + block.length;
    for (;;) {
      const session = await this.#uploads.append(id, at, block).catch((error) => {
        throw isOfOtherBytes(error, at) ? otherFile(file, error, at, end) : resumable(error, id);
      });
      if (session.offset >= end) return session;
      // A long publication kept the block from being stored.
    }
  }

  async #changed({ path }: LocalFile, id: string, isNew: boolean): Promise<ArtifactError> {
    if (isNew) await this.#uploads.abort(id);
    const message =
      "The file changed while it was read, so the bytes that were read never were its content. Nothing was published.";
    return new ArtifactError("invalid_argument", message, {
      next: isNew ? "import_again" : "abort_and_import",
      details: { argument: "path", path, ...(isNew ? {} : { session_id: id }) },
    });
  }
}

/** Whether an upload failed because of what its session is, so that another session may do. */
function mayStartAgain(error: unknown, { if_version }: WantedUpload): boolean {
  if (!(error instanceof ArtifactError)) return false;
  if (error.code === "version_conflict" && if_version !== undefined) return false;
  const codes: readonly ErrorCode[] = [
    ...(["offset_conflict", "size_exceeded", "checksum_mismatch", "version_conflict"] as const),
    ...(["session_not_found", "session_closed", "session_expired"] as const),
  ];
  return codes.includes(error.code);
}

/** Whether an append failed because its bytes differ from those that are stored. */
function isOfOtherBytes(error: unknown, at: number): error is ArtifactError {
  return error instanceof ArtifactError && error.code === "offset_conflict" && Number(error.details["offset"]) > at;
}

function otherFile({ path }: LocalFile, { details }: ArtifactError, from: number, to: number): ArtifactError {
  const message = `This is not the file that the session was begun with: they differ between bytes ${from} and ${to}. The session keeps its bytes.`;
  return new ArtifactError("offset_conflict", message, {
    next: "import_same_file",
    details: { ...details, argument: "path", path },
  });
}

/** The error, with the session in which the import can be continued. */
function resumable(error: unknown, session_id: string): unknown {
  if (!(error instanceof ArtifactError) || "session_id" in error.details) return error;
  const message = `${error.message} The session keeps the bytes that were read so far.`;
  const details = { ...error.details, session_id };
  return new ArtifactError(error.code, message, { next: "resume_import", details, cause: error });
}

/** The media type that the content of a file shows. Undefined if its key tells one, or if it shows none. */
export async function typeOfFile(file: LocalFile, key: string): Promise<string | undefined> {
  if (mimeTypeOf(key, "") !== "") return undefined;
  return typeOfContent(await file.read(0, Math.min(file.bytes, typeWindowBytes)));
}

/** The media type that the key or the content of a file tells. */
export async function defaultTypeOf(file: LocalFile, key: string): Promise<string> {
  return (await typeOfFile(file, key)) ?? mimeTypeOf(key, unknownType);
}
