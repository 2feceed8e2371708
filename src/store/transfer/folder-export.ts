import type { ArtifactStore } from "../artifacts/artifact-store.js";
import { forEachOf } from "../for-each-of.js";
import type { Artifact } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { largestPageLimit, maxFolderEntries } from "../model/limits.js";
import { quote } from "../model/quote.js";
import type { LocalFiles } from "../ports/local-files.js";
import type { FileExport } from "./file-export.js";
import { checkFoldersAreNoFiles, keyIn, toKeyFolder } from "./folder-names.js";
import { ProgressCounter } from "./progress-counter.js";
import type { FolderTransferOptions } from "./transfer-options.js";

export interface ExportFolder {
  readonly bucket: string;
  /** A folder of keys, with or without a slash at its end. `/` is the whole bucket. */
  readonly prefix: string;
  /** Absolute. */
  readonly path: string;
  readonly overwrite: boolean;
}

export interface ExportedFolder {
  /** The real path of the directory. */
  readonly path: string;
  readonly bucket: string;
  /** The folder of keys, without a slash at its end; empty for the whole bucket. */
  readonly prefix: string;
  readonly files: number;
  readonly bytes: number;
  readonly manifest: readonly FolderEntry[];
}

/** One file of a folder, and the version that has its content. */
export interface FolderEntry extends Pick<Artifact, "key" | "version" | "bytes" | "sha256" | "already_saved"> {}

/** Files that are written at once. */
const exportWidth = 4;

/** Writes all artifacts of a folder of keys to files below a directory of this machine. */
export class FolderExport {
  readonly #files: LocalFiles;
  readonly #artifacts: ArtifactStore;
  readonly #export: FileExport;

  constructor(files: LocalFiles, artifacts: ArtifactStore, fileExport: FileExport) {
    this.#files = files;
    this.#artifacts = artifacts;
    this.#export = fileExport;
  }

  /**
   * Writes the newest version of each key below `prefix`. All names are checked before anything is written. Each file
   * appears whole or not at all. After a failure the files that were written stay. Nothing below `prefix` is no error:
   * then nothing is made.
   *
   * @throws ArtifactError as `FileExport.run` does; `bucket_not_found`; `invalid_argument` if there are too many
   * artifacts, if a name is taken, or if this machine cannot have files with these names
   */
  async run(wanted: ExportFolder, options: FolderTransferOptions): Promise<ExportedFolder> {
    const { bucket, path, overwrite } = wanted;
    const prefix = toKeyFolder(wanted.prefix);
    const found = await this.#artifactsIn(bucket, prefix);
    const start = keyIn(prefix, "").length;
    const nameOf = ({ key }: FolderEntry): string => key.slice(start);
    const names = found.map(nameOf);
    checkFoldersAreNoFiles(names);
    const about = { bucket, prefix, files: found.length, bytes: found.reduce((sum, { bytes }) => sum + bytes, 0) };
    if (found.length === 0) return { path, ...about, manifest: [] };
    const place = await this.#files.makeFolder(path, options.allowed, names, overwrite);
    const { allowed, signal } = options;
    const progress = new ProgressCounter(found, options.onProgress);
    let failedAt: string | undefined;
    const write = async (entry: FolderEntry): Promise<void> => {
      signal?.throwIfAborted();
      const { key, version } = entry;
      const file = { bucket, key, version, path: `${path}/${nameOf(entry)}`, overwrite };
      try {
        await this.#export.run(file, { allowed, ...(signal && { signal }), onProgress: progress.begin() });
      } catch (error) {
        failedAt ??= key;
        throw error;
      }
      progress.finishFile();
    };
    await forEachOf(found, exportWidth, write).catch((error) => {
      throw failedAt === undefined ? error : stopped(error, failedAt, progress.files, found.length);
    });
    return { path: place, ...about, manifest: found };
  }

  /** @throws ArtifactError `bucket_not_found`; `invalid_argument` if there are too many */
  async #artifactsIn(bucket: string, folder: string): Promise<FolderEntry[]> {
    const found: FolderEntry[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.#artifacts.list({ bucket, prefix: keyIn(folder, ""), cursor, limit: largestPageLimit });
      found.push(...page.data.map(({ key, version, bytes, sha256 }) => ({ key, version, bytes, sha256 })));
      if (found.length > maxFolderEntries) throw tooMany();
      cursor = page.next_cursor;
      if (cursor === undefined) return found;
    }
  }
}

function tooMany(): ArtifactError {
  const message = `There are more than ${maxFolderEntries} artifacts under this prefix. Nothing was written: export the folders in it one by one.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "prefix" } });
}

function stopped(error: unknown, key: string, written: number, files: number): unknown {
  if (!(error instanceof ArtifactError)) return error;
  const message = `${error.message} This stopped the export at ${quote(key)}. Files that are written: ${written} of ${files}, each whole. They stay.`;
  const details = { ...error.details, key, written, files };
  return new ArtifactError(error.code, message, { next: error.next, details, cause: error });
}
