import type { ArtifactStore } from "../artifacts/artifact-store.js";
import { forEachOf } from "../for-each-of.js";
import { type Artifact, checkMetadata } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { checkExpiresIn } from "../model/expiry.js";
import { typeOfContent } from "../model/formats/content-type.js";
import { wholeImportBytes } from "../model/limits.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { quote } from "../model/quote.js";
import type { ListedFile, LocalFiles, LocalFolder, SkippedEntry } from "../ports/local-files.js";
import type { Uploads } from "../uploads/uploads.js";
import type { ImportFile } from "./file-import.js";
import { type FileUpload, unknownType } from "./file-upload.js";
import type { FolderEntry } from "./folder-export.js";
import { keysOfFiles, toKeyFolder } from "./folder-names.js";
import { ProgressCounter } from "./progress-counter.js";
import type { FolderTransferOptions } from "./transfer-options.js";

export interface ImportedFolder {
  /** The real path of the directory. */
  readonly path: string;
  readonly bucket: string;
  /** The folder of keys, without a slash at its end; empty for the whole bucket. */
  readonly prefix: string;
  readonly files: number;
  readonly bytes: number;
  /** Files that became a new version. */
  readonly saved: number;
  /** Files whose content was the newest version already. */
  readonly already_saved: number;
  readonly skipped: readonly SkippedEntry[];
  readonly manifest: readonly FolderEntry[];
}

export interface FolderImportDependencies {
  readonly files: LocalFiles;
  readonly uploads: Uploads;
  readonly artifacts: ArtifactStore;
  readonly fileUpload: FileUpload;
  readonly maxChunkBytes: number;
}

/** One file of the folder, with what the caller wants for all of them. */
interface FileOfFolder {
  readonly listed: ListedFile;
  readonly path: string;
  readonly bucket: string;
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly expires_in: number | undefined;
  readonly saved_by: string | undefined;
}

/** Small files that are saved at once, so that they share syncs. */
const importWidth = 8;

/** Saves the files below a directory of this machine as artifacts. */
export class FolderImport {
  readonly #dependencies: FolderImportDependencies;
  readonly #wholeBytes: number;

  constructor(dependencies: FolderImportDependencies) {
    this.#dependencies = dependencies;
    this.#wholeBytes = Math.min(wholeImportBytes, dependencies.maxChunkBytes);
  }

  /**
   * Saves each file below a directory under `<key>/<its relative path>`. All names are checked before anything is saved.
   * A failure ends the import, and what was saved stays: the same import again finds it saved already, and continues the
   * upload of a large file. Returns undefined if the path leads to no directory.
   *
   * @throws ArtifactError as saves and uploads do; `path_not_allowed`; `invalid_argument` if a file changes while it is
   * read, if there are too many, or if a name cannot be a key
   */
  async run(wanted: ImportFile, options: FolderTransferOptions): Promise<ImportedFolder | undefined> {
    const { bucket = "", key = "", metadata, expires_in, saved_by } = wanted;
    const folder = await this.#dependencies.files.list(wanted.path, options.allowed);
    if (folder === undefined) return undefined;
    checkArguments(wanted);
    const prefix = toKeyFolder(key);
    const keys = keysOfFiles(folder.files, prefix);
    const files = folder.files.map((listed, index): FileOfFolder => {
      const path = `${wanted.path}/${listed.name}`;
      return { listed, path, bucket, key: keys[index] ?? "", metadata, expires_in, saved_by };
    });
    return { bucket, prefix, ...(await this.#saveAll(folder, files, options)) };
  }

  async #saveAll(folder: LocalFolder, files: readonly FileOfFolder[], options: FolderTransferOptions) {
    const progress = new ProgressCounter(folder.files, options.onProgress);
    const manifest = new Map<string, FolderEntry>();
    let failedAt: string | undefined;
    const save = async (file: FileOfFolder): Promise<void> => {
      options.signal?.throwIfAborted();
      try {
        manifest.set(file.key, entryOf(await this.#saveFile(file, options, progress.begin())));
      } catch (error) {
        failedAt ??= file.listed.name;
        throw error;
      }
      progress.finishFile();
    };
    const isSmall = ({ listed }: FileOfFolder): boolean => listed.bytes <= this.#wholeBytes;
    try {
      await forEachOf(files.filter(isSmall), importWidth, save);
      for (const file of files) if (!isSmall(file)) await save(file);
    } catch (error) {
      throw failedAt === undefined ? error : stopped(error, failedAt, progress.files, files.length);
    }
    const entries = files.flatMap(({ key }) => manifest.get(key) ?? []);
    const already_saved = entries.filter((entry) => entry.already_saved).length;
    return {
      path: folder.path,
      files: entries.length,
      bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
      saved: entries.length - already_saved,
      already_saved,
      skipped: folder.skipped,
      manifest: entries,
    };
  }

  async #saveFile(
    wanted: FileOfFolder,
    { allowed, signal }: FolderTransferOptions,
    onProgress: (done: number) => void,
  ): Promise<Artifact> {
    const file = await this.#dependencies.files.open(wanted.path, allowed);
    try {
      if (file.bytes > this.#wholeBytes) {
        return await this.#dependencies.fileUpload.resume(file, wanted, {
          allowed,
          ...(signal && { signal }),
          onProgress,
        });
      }
      const bytes = await file.read(0, file.bytes);
      if (bytes.length !== file.bytes || !(await file.isUnchanged())) throw changed();
      const { bucket, key, metadata, expires_in, saved_by } = wanted;
      const defaultMimeType = typeOfContent(bytes) ?? unknownType;
      const saved = await this.#dependencies.artifacts.save({
        bucket,
        key,
        bytes,
        defaultMimeType,
        metadata,
        expires_in,
        saved_by,
      });
      onProgress(bytes.length);
      return saved;
    } finally {
      await file.close();
    }
  }
}

/** @throws ArtifactError `invalid_argument` */
function checkArguments({ session_id, bucket, metadata = {}, expires_in, ...ofFile }: ImportFile): void {
  const refused = (argument: string, problem: string): ArtifactError =>
    new ArtifactError("invalid_argument", `${argument} ${problem}`, { details: { argument } });
  if (session_id !== undefined) throw refused("session_id", "is for one file, and the path is a directory.");
  if (bucket === undefined) throw refused("bucket", "is required: name the bucket to save the files in.");
  for (const argument of ["mime_type", "if_version"] as const) {
    const problem = "is for one file, and the path is a directory: leave it out, or import the files one by one.";
    if (ofFile[argument] !== undefined) throw refused(argument, problem);
  }
  checkBucket(bucket);
  checkMetadata(metadata);
  checkExpiresIn(expires_in);
}

function entryOf({ key, version, bytes, sha256, already_saved }: Artifact): FolderEntry {
  return { key, version, bytes, sha256, ...(already_saved && { already_saved }) };
}

function changed(): ArtifactError {
  const message = "The file changed while it was read, and was not saved.";
  return new ArtifactError("invalid_argument", message, { next: "import_again", details: { argument: "path" } });
}

function stopped(error: unknown, name: string, saved: number, files: number): unknown {
  if (!(error instanceof ArtifactError)) return error;
  // Advice on one session does not help: the same import finds it.
  const cause = error.next === "resume_import" && error.cause instanceof ArtifactError ? error.cause : error;
  const next = cause.next === "abort_and_import" ? "import_again" : cause.next;
  const message = `${cause.message} This stopped the import at ${quote(name)}. Files that are saved: ${saved} of ${files}. The same import again goes on with the others.`;
  const details = { ...cause.details, file: name, saved, files };
  return new ArtifactError(cause.code, message, { next, details, cause: error });
}
