import type { ArtifactStore } from "../artifacts/artifact-store.js";
import { forEachOf } from "../for-each-of.js";
import { type Artifact, isSameContent, sameStrings, sha256Of } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { wholeImportBytes } from "../model/limits.js";
import { quote } from "../model/quote.js";
import type { SessionRecord } from "../model/records.js";
import type { ArchiveFolder, ArchiveFolders } from "../ports/archive-folder.js";
import type { Digests } from "../ports/digests.js";
import type { LocalFile } from "../ports/local-files.js";
import { FileUpload } from "../transfer/file-upload.js";
import { ProgressCounter } from "../transfer/progress-counter.js";
import { type IndexDependencies, unfinishedSessions } from "../uploads/unfinished-sessions.js";
import type { Uploads } from "../uploads/uploads.js";
import type { ArchiveOptions } from "./archive-export.js";
import { plainName } from "./archive-names.js";
import { entriesIn, unfinishedName } from "./archive-target.js";
import { concernsOne } from "./concerns-one.js";
import { digestOf } from "./digest-of.js";
import type { ManifestEntry } from "./manifest.js";

export interface ImportArchive {
  /** Absolute. */
  readonly path: string;
  readonly saved_by: string;
}

export interface ImportedArchive {
  readonly path: string;
  /** Artifacts of the manifest that the store has now. */
  readonly artifacts: number;
  readonly bytes: number;
  /** Of them, those that became a new version. */
  readonly saved: number;
  /** Of them, those whose newest version was the same already. */
  readonly already_saved: number;
  readonly failed: number;
}

export interface ArchiveImportDependencies extends IndexDependencies {
  readonly folders: ArchiveFolders;
  readonly artifacts: ArtifactStore;
  readonly uploads: Uploads;
  readonly digests: Digests;
  readonly maxChunkBytes: number;
}

/** What is needed to save one file. */
interface Saving extends Pick<ArchiveOptions, "signal"> {
  readonly entry: ManifestEntry;
  readonly saved_by: string;
  readonly onProgress: (done: number) => void;
}

/** Small files that are saved at once, so that they share syncs. */
const importWidth = 8;

/** Saves the artifacts of an export: the inverse of `ArchiveExport`. */
export class ArchiveImport {
  readonly #dependencies: ArchiveImportDependencies;
  readonly #fileUpload: FileUpload;
  readonly #wholeBytes: number;

  constructor(dependencies: ArchiveImportDependencies) {
    const { uploads, maxChunkBytes } = dependencies;
    this.#dependencies = dependencies;
    this.#fileUpload = new FileUpload(uploads, maxChunkBytes);
    this.#wholeBytes = Math.min(wholeImportBytes, maxChunkBytes);
  }

  /**
   * Saves each file of the manifest with its type and metadata, if its bytes are those of the manifest. A new version
   * gets the number of the manifest, unless its key has given out as high a number. The same import again goes on with
   * the upload of a large file.
   *
   * @throws ArtifactError `invalid_argument` if there is no manifest, or it is wrong; `path_not_allowed`
   */
  async run({ path, saved_by }: ImportArchive, options: ArchiveOptions): Promise<ImportedArchive> {
    const folder = this.#dependencies.folders.at(path);
    const entries = await manifestOf(folder);
    const progress = new ProgressCounter(entries, options.onProgress);
    const done: Artifact[] = [];
    let failed = 0;
    const save = async (entry: ManifestEntry): Promise<void> => {
      options.signal?.throwIfAborted();
      try {
        const saving = { entry, saved_by, signal: options.signal, onProgress: progress.begin() };
        done.push(await this.#save(folder, saving));
      } catch (error) {
        if (!concernsOne(error)) throw error;
        failed += 1;
        options.onProblem(plainName(entry), error);
      }
      progress.finishFile();
    };
    const isSmall = ({ bytes }: ManifestEntry): boolean => bytes <= this.#wholeBytes;
    await forEachOf(entries.filter(isSmall), importWidth, save);
    for (const entry of entries) if (!isSmall(entry)) await save(entry);
    const already_saved = done.filter((artifact) => artifact.already_saved).length;
    const bytes = done.reduce((sum, artifact) => sum + artifact.bytes, 0);
    return { path, artifacts: done.length, bytes, saved: done.length - already_saved, already_saved, failed };
  }

  async #save(folder: ArchiveFolder, saving: Saving): Promise<Artifact> {
    const { entry } = saving;
    const file = await folder.open(entry.file);
    try {
      if (file.bytes !== entry.bytes) throw otherContent(file);
      return await (file.bytes > this.#wholeBytes ? this.#saveLarge(file, saving) : this.#saveSmall(file, saving));
    } finally {
      await file.close();
    }
  }

  async #saveSmall(file: LocalFile, { entry, saved_by, onProgress }: Saving): Promise<Artifact> {
    const { bucket, key, version, mime_type, metadata, sha256 } = entry;
    const bytes = await file.read(0, file.bytes);
    if (sha256Of(bytes) !== sha256) throw otherContent(file);
    const about = { mime_type, defaultMimeType: mime_type, metadata, saved_by, least_version: version };
    const saved = await this.#dependencies.artifacts.save({ bucket, key, bytes, ...about });
    onProgress(bytes.length);
    return saved;
  }

  async #saveLarge(file: LocalFile, saving: Saving): Promise<Artifact> {
    const known = await this.#newestIfSame(saving.entry);
    if (known !== undefined) {
      if ((await digestOf(file, this.#dependencies.digests)) !== known.sha256) throw otherContent(file);
      return { ...known, already_saved: true };
    }
    const begun = await this.#unfinishedUpload(saving);
    if (begun !== undefined) {
      try {
        return await this.#upload(file, begun, saving);
      } catch (error) {
        if (!(error instanceof ArtifactError && error.code === "offset_conflict")) throw error;
        await this.#dependencies.uploads.abort(begun); // the file was another one when that import began
      }
    }
    const { bucket, key, version, bytes, mime_type, metadata, sha256 } = saving.entry;
    const { saved_by } = saving;
    const about = { mime_type, metadata, saved_by, size: bytes, sha256, least_version: version };
    const { id } = await this.#dependencies.uploads.create({ bucket, key, ...about });
    return this.#upload(file, id, saving);
  }

  async #newestIfSame(entry: ManifestEntry): Promise<Artifact | undefined> {
    try {
      const newest = await this.#dependencies.artifacts.get(entry.bucket, entry.key);
      return newest.expires_at === undefined && isSameContent(newest, entry) ? newest : undefined;
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "artifact_not_found") return undefined;
      throw error;
    }
  }

  /** The id of an upload that an import of this artifact has begun. */
  async #unfinishedUpload({ entry, saved_by }: Saving): Promise<string | undefined> {
    const { bucket, key, version, bytes, sha256, mime_type, metadata } = entry;
    const isLike = (record: SessionRecord): boolean =>
      record.status === "open" &&
      record.saved_by === saved_by &&
      record.least_version === version &&
      record.size === bytes &&
      record.sha256 === sha256 &&
      record.mime_type === mime_type &&
      sameStrings(record.metadata, metadata);
    for await (const { value } of unfinishedSessions(this.#dependencies, { bucket, key })) {
      if (isLike(value)) return value.id;
    }
    return undefined;
  }

  /** Uploads a file that is checked when it is published. An upload of other bytes is aborted. */
  async #upload(file: LocalFile, id: string, { signal, onProgress }: Saving): Promise<Artifact> {
    const options = { allowed: [], onProgress, ...(signal && { signal }) };
    try {
      return await this.#fileUpload.publish(file, id, false, options);
    } catch (error) {
      if (!(error instanceof ArtifactError && error.code === "checksum_mismatch")) throw error;
      await this.#dependencies.uploads.abort(id);
      throw otherContent(file, error);
    }
  }
}

/** @throws ArtifactError `invalid_argument` if there is none, and if the export has not ended */
async function manifestOf(folder: ArchiveFolder): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  try {
    for await (const entry of entriesIn(folder)) entries.push(entry);
    return entries;
  } catch (cause) {
    const unfinished = await folder.open(unfinishedName).catch(() => undefined);
    if (unfinished === undefined) throw cause;
    await unfinished.close();
    const message = "The directory has an export that was not finished: make the same export again.";
    throw new ArtifactError("invalid_argument", message, { details: { argument: "path" }, cause });
  }
}

function otherContent({ path }: LocalFile, cause?: unknown): ArtifactError {
  const message = `The content of ${quote(path)} is not that of the manifest. It was not saved.`;
  return new ArtifactError("checksum_mismatch", message, { cause });
}
