import { count } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { checkpointBytes } from "../model/limits.js";
import type { UploadSession } from "../model/upload-session.js";
import { readAhead } from "../pieces/read-ahead.js";
import type { LocalFile, LocalFiles, LocalTarget } from "../ports/local-files.js";
import type { Uploads } from "../uploads/uploads.js";
import type { ArtifactStore } from "./artifact-store.js";
import type { OpenArtifact } from "./open-artifact.js";

export interface ImportFile {
  /** Absolute. */
  readonly path: string;
  /** An upload to go on with, in place of all that follows. */
  readonly session_id?: string | undefined;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly mime_type?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly if_version?: number | undefined;
  /** Who imports it, as they told it; of an upload to go on with, whoever began it counts. */
  readonly saved_by?: string | undefined;
}

export interface ExportFile {
  readonly bucket: string;
  readonly key: string;
  readonly version?: number | undefined;
  /** Absolute. */
  readonly path: string;
  readonly overwrite: boolean;
}

export interface ExportedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface TransferOptions {
  /** The directories that may be reached, absolute. */
  readonly allowed: readonly string[];
  readonly signal?: AbortSignal;
  /** Bytes done, of all; and the upload that they go into. */
  readonly onProgress?: (done: number, total: number, session_id?: string) => void;
}

export interface FileTransferDependencies {
  readonly files: LocalFiles;
  readonly uploads: Uploads;
  readonly artifacts: ArtifactStore;
  readonly maxChunkBytes: number;
}

/** Content straight from and to files of this machine: whatever their size, in blocks. */
export class FileTransfer {
  readonly #dependencies: FileTransferDependencies;

  constructor(dependencies: FileTransferDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Uploads a file as the whole content of a session, a new one or one to go on with: what it has already must be
   * what the file begins with. A new session outlives a failure, a cancellation and the process.
   *
   * @throws ArtifactError as uploads do; `path_not_allowed`; `invalid_argument` where the path leads to no regular
   * file, or the file changes while it is read
   */
  async importFile(wanted: ImportFile, options: TransferOptions): Promise<UploadSession> {
    checkImport(wanted);
    const { files, uploads } = this.#dependencies;
    const file = await files.open(wanted.path, options.allowed);
    try {
      const { session_id } = wanted;
      const session = session_id === undefined ? await this.#begin(wanted, file) : await uploads.get(session_id);
      const isNew = session_id === undefined;
      if (!isNew) checkFits(session, file);
      return await this.#upload(file, session, isNew, options);
    } finally {
      await file.close();
    }
  }

  #begin({ bucket = "", key = "", mime_type, metadata, if_version, saved_by }: ImportFile, file: LocalFile) {
    const described = { bucket, key, mime_type, metadata, if_version, saved_by };
    return this.#dependencies.uploads.create({ ...described, size: file.bytes });
  }

  async #upload(file: LocalFile, { id }: UploadSession, isNew: boolean, options: TransferOptions) {
    const { uploads, maxChunkBytes } = this.#dependencies;
    const blockBytes = Math.min(checkpointBytes, maxChunkBytes);
    let session: UploadSession | undefined;
    let at = 0;
    for await (const block of readAhead(file.read, { start: 0, end: file.bytes, blockBytes })) {
      options.signal?.throwIfAborted();
      // The last block publishes a sized session, so all that was read must have been one content by then.
      const isLast = at + block.length === file.bytes;
      if (isLast && !(await file.isUnchanged())) throw await this.#changed(file, id, isNew);
      const end = at + block.length;
      do {
        session = await uploads.append(id, at, block).catch((error) => {
          throw isOfOtherBytes(error, at) ? otherFile(file, error, at, end) : resumable(error, id);
        });
      } while (session.offset < end); // a long publication was answered before the block was stored
      at = end;
      options.onProgress?.(at, file.bytes, id);
    }
    if (at === 0) options.onProgress?.(0, file.bytes, id);
    const isWhole = at === file.bytes && (at > 0 || (await file.isUnchanged()));
    if (!isWhole) throw await this.#changed(file, id, isNew);
    return session === undefined || session.status === "open" ? uploads.complete(id) : session;
  }

  async #changed({ path }: LocalFile, id: string, isNew: boolean): Promise<ArtifactError> {
    if (isNew) await this.#dependencies.uploads.abort(id);
    const message =
      "The file changed while it was read, so what was read is no content it ever had. Nothing was published.";
    return new ArtifactError("invalid_argument", message, {
      next: isNew ? "import_again" : "abort_and_import",
      details: { argument: "path", path, ...(isNew ? {} : { session_id: id }) },
    });
  }

  /**
   * Writes content to a file that appears whole, under its name, or not at all.
   *
   * @throws ArtifactError `artifact_not_found`, `path_not_allowed`, `corrupt`, `storage_full`; `invalid_argument`
   * where the name is taken
   */
  async exportFile(wanted: ExportFile, options: TransferOptions): Promise<ExportedFile> {
    const { files, artifacts } = this.#dependencies;
    const content = await artifacts.open(wanted.bucket, wanted.key, wanted.version);
    try {
      const target = await files.create(wanted.path, options.allowed, wanted.overwrite);
      try {
        await this.#copy(content, target, options);
        await target.commit();
      } finally {
        await target.discard();
      }
      const { bytes, sha256 } = content.artifact;
      return { path: target.path, bytes, sha256 };
    } finally {
      await content.close();
    }
  }

  async #copy({ artifact, whole }: OpenArtifact, target: LocalTarget, options: TransferOptions): Promise<void> {
    let done = 0;
    for await (const block of whole()) {
      options.signal?.throwIfAborted();
      await target.write(block);
      done += block.length;
      options.onProgress?.(done, artifact.bytes);
    }
  }
}

/** @throws ArtifactError `invalid_argument` */
function checkImport({ session_id, bucket, key, mime_type, metadata, if_version }: ImportFile): void {
  const others = { bucket, key, mime_type, metadata, if_version };
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
    const message = `The file has ${count(bytes, "byte")}, and this session is for ${size}: the file is the whole content.`;
    const details = { argument: "path", session_id: id, size, bytes };
    throw new ArtifactError("invalid_argument", message, { next: "import_same_file", details });
  }
  if (offset <= bytes) return;
  const message = `The session holds ${count(offset, "byte")} already, and the file has ${bytes}: the file is the whole content.`;
  const details = { session_id: id, offset, size, bytes };
  throw new ArtifactError("offset_conflict", message, { next: "import_same_file", details });
}

/** An append that reached back over what is stored, and was not the same. */
function isOfOtherBytes(error: unknown, at: number): error is ArtifactError {
  return error instanceof ArtifactError && error.code === "offset_conflict" && Number(error.details["offset"]) > at;
}

function otherFile({ path }: LocalFile, { details }: ArtifactError, from: number, to: number): ArtifactError {
  const message = `The file is another than what the session holds: they differ between bytes ${from} and ${to}. What the session holds stays.`;
  return new ArtifactError("offset_conflict", message, {
    next: "import_same_file",
    details: { ...details, argument: "path", path },
  });
}

/** What failed says how to go on. */
function resumable(error: unknown, session_id: string): unknown {
  if (!(error instanceof ArtifactError) || "session_id" in error.details) return error;
  const message = `${error.message} What was read so far is kept in the session.`;
  const details = { ...error.details, session_id };
  return new ArtifactError(error.code, message, { next: "resume_import", details, cause: error });
}
