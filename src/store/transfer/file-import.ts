import { count } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import type { UploadSession } from "../model/upload-session.js";
import type { LocalFile, LocalFiles } from "../ports/local-files.js";
import type { Uploads } from "../uploads/uploads.js";
import { type FileUpload, typeOfFile } from "./file-upload.js";
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
  readonly #fileUpload: FileUpload;

  constructor(files: LocalFiles, uploads: Uploads, fileUpload: FileUpload) {
    this.#files = files;
    this.#uploads = uploads;
    this.#fileUpload = fileUpload;
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
      return await this.#fileUpload.upload(file, session.id, isNew, options);
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
