import { count } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { typeOfContent, typeWindowBytes } from "../model/formats/content-type.js";
import { mimeTypeOf } from "../model/formats/media-type.js";
import { checkpointBytes } from "../model/limits.js";
import type { UploadSession } from "../model/upload-session.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { LocalFile, LocalFiles } from "../ports/local-files.js";
import type { Uploads } from "../uploads/uploads.js";
import type { TransferOptions } from "./transfer-options.js";

export interface ImportFile {
  /** Absolute. */
  readonly path: string;
  /** The upload to continue. All options below must be absent then. */
  readonly session_id?: string | undefined;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly mime_type?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  /** The `edit` that the version `if_version` must have; 0 if absent. */
  readonly if_edit?: number | undefined;
  /** Seconds from the publication to the expiry of the version. It does not expire by default. */
  readonly expires_in?: number | undefined;
  /** The name that the importer gave itself. An upload that is continued keeps the name of its creator. */
  readonly saved_by?: string | undefined;
}

/** Uploads a file of this machine, in blocks. */
export class FileImport {
  readonly #files: LocalFiles;
  readonly #uploads: Uploads;
  readonly #maxChunkBytes: number;

  constructor(files: LocalFiles, uploads: Uploads, maxChunkBytes: number) {
    this.#files = files;
    this.#uploads = uploads;
    this.#maxChunkBytes = maxChunkBytes;
  }

  /**
   * Uploads a file as the whole content of a session, which is new or is continued. The file must begin with the bytes
   * that a continued session has. A new session outlives a failure, a cancellation and the process.
   *
   * @throws ArtifactError as uploads do; `path_not_allowed`; `invalid_argument` if the path leads to no regular file, or
   * the file changes while it is read
   */
  async run(wanted: ImportFile, options: TransferOptions): Promise<UploadSession> {
    checkArguments(wanted);
    const file = await this.#files.open(wanted.path, options.allowed);
    try {
      const { session_id } = wanted;
      const isNew = session_id === undefined;
      const session = isNew ? await this.#createSession(wanted, file) : await this.#uploads.get(session_id);
      if (!isNew) checkFits(session, file);
      return await this.upload(file, session.id, isNew, options);
    } finally {
      await file.close();
    }
  }

  async #createSession(
    { bucket = "", key = "", metadata, if_version, if_edit, expires_in, saved_by, ...wanted }: ImportFile,
    file: LocalFile,
  ): Promise<UploadSession> {
    const { bytes: size } = file;
    const mime_type = wanted.mime_type ?? (await typeOfFile(file, key));
    const guard = { if_version, if_edit, checksGuardAtEnd: true };
    return this.#uploads.create({ bucket, key, mime_type, metadata, ...guard, expires_in, saved_by, size });
  }

  /**
   * Uploads an open file into a session. The bytes that the session has already are compared.
   *
   * @param isNew whether to abort the session if the file changes
   * @throws ArtifactError as `run` does
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

/** The media type that the content of a file shows. Undefined if its key tells one, or if it shows none. */
export async function typeOfFile(file: LocalFile, key: string): Promise<string | undefined> {
  if (mimeTypeOf(key, "") !== "") return undefined;
  return typeOfContent(await file.read(0, Math.min(file.bytes, typeWindowBytes)));
}

/** @throws ArtifactError `invalid_argument` */
function checkArguments({ session_id, bucket, key, mime_type, metadata, if_version, expires_in }: ImportFile): void {
  const others = { bucket, key, mime_type, metadata, if_version, expires_in };
  const refused = (argument: string, why: string): ArtifactError =>
    new ArtifactError("invalid_argument", `${argument} ${why}`, { details: { argument } });
  if (session_id === undefined) {
    for (const [argument, value] of Object.entries({ bucket, key })) {
      const why = "is required: give bucket and key for a new artifact, or session_id to go on with an import.";
      if (value === undefined) throw refused(argument, why);
    }
    return;
  }
  for (const [argument, value] of Object.entries(others)) {
    const why = "was given when the session was created: give session_id and path alone.";
    if (value !== undefined) throw refused(argument, why);
  }
}

/** @throws ArtifactError `invalid_argument`, `offset_conflict` */
function checkFits({ id, size, offset }: UploadSession, { bytes }: LocalFile): void {
  if (size !== null && size !== bytes) {
    const message = `The file has ${count(bytes, "byte")}, and this session is for ${size}. The file must be the whole content.`;
    const details = { argument: "path", session_id: id, size, bytes };
    throw new ArtifactError("invalid_argument", message, { next: "import_same_file", details });
  }
  if (offset <= bytes) return;
  const message = `The session has ${count(offset, "byte")} already, and the file has ${bytes}. The file must be the whole content.`;
  const details = { session_id: id, offset, size, bytes };
  throw new ArtifactError("offset_conflict", message, { next: "import_same_file", details });
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
