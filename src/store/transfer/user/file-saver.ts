import type { ArtifactStore } from "../../artifacts/artifact-store.js";
import { forEachOf } from "../../for-each-of.js";
import { type Artifact, sameStrings } from "../../model/artifact.js";
import { ArtifactError } from "../../model/errors.js";
import { typeOfContent } from "../../model/formats/content-type.js";
import { wholeImportBytes } from "../../model/limits.js";
import type { SmallRead, UserFiles } from "../../ports/user-files.js";
import { defaultTypeOf, type FileUpload, unknownType, type WantedUpload } from "../file-upload.js";
import { batchesOf } from "./batches.js";
import { problemOfFile } from "./job-errors.js";
import type { JobReport } from "./job-report.js";
import type { NamedFile } from "./named-files.js";

/** What the caller wants for each version. */
export interface SaveWishes extends Omit<WantedUpload, "key"> {
  readonly signal: AbortSignal;
  /** Saves nothing, and reports what it would save. */
  readonly isDry?: boolean;
  /** What the store has under a key. A file with this content is not saved, whatever type and metadata are. */
  readonly known?: (key: string) => KnownContent | undefined;
  readonly onSaved?: (file: NamedFile, artifact: Artifact) => void;
  readonly onDryRun?: (file: NamedFile) => void;
}

export interface KnownContent {
  readonly bytes: number;
  readonly sha256: string;
}

export interface FileSaverDependencies {
  readonly files: UserFiles;
  readonly artifacts: ArtifactStore;
  readonly fileUpload: FileUpload;
  readonly maxChunkBytes: number;
}

/** Files up to this size are read several at a time. */
const batchedBytes = 64 * 1024;
const batchFiles = 64;
/** Batches, or larger files, that are in work at once. Their changes share transactions. */
const width = 6;

/** Saves files of this machine under keys. */
export class FileSaver {
  readonly #dependencies: FileSaverDependencies;
  readonly #wholeBytes: number;

  constructor(dependencies: FileSaverDependencies) {
    this.#dependencies = dependencies;
    this.#wholeBytes = Math.min(wholeImportBytes, dependencies.maxChunkBytes);
  }

  /**
   * Saves each file under its key. A file that cannot be saved goes to the report, and the others go on. A file whose
   * content is the newest version already is unchanged, and an upload that a killed process has left goes on.
   *
   * @throws ArtifactError if the store cannot take more; the reason of the signal
   */
  async saveAll(files: AsyncIterable<NamedFile>, wishes: SaveWishes, report: JobReport): Promise<void> {
    const limits = { maxItems: batchFiles, maxSize: Number.MAX_SAFE_INTEGER, sizeOf: () => 0 };
    await forEachOf(batchesOf(files, limits), width, (batch) => this.#saveBatch(batch, wishes, report));
  }

  async #saveBatch(batch: readonly NamedFile[], wishes: SaveWishes, report: JobReport): Promise<void> {
    wishes.signal.throwIfAborted();
    const limit = Math.min(batchedBytes, this.#wholeBytes);
    const reads = await this.#dependencies.files.readSmall(
      batch.map(({ path }) => path),
      limit,
    );
    const small: SmallFile[] = [];
    const larger: NamedFile[] = [];
    for (const [index, file] of batch.entries()) {
      const read = reads[index];
      if (read?.kind === "read") small.push({ file, read });
      else if (read?.kind === "large") larger.push(file);
      else report.fail(file.name, read?.problem ?? "it was not read");
    }
    await this.#saveSmall(small, wishes, report);
    for (const file of larger) await this.#saveLarger(file, wishes, report);
  }

  /** Saves contents that were read, together. */
  async #saveSmall(files: readonly SmallFile[], wishes: SaveWishes, report: JobReport): Promise<void> {
    const wanted = files.filter(({ file, read }) => {
      const known = wishes.known?.(file.key);
      const isKnown = known?.bytes === read.bytes.length && known.sha256 === read.sha256;
      if (isKnown) report.done(read.bytes.length, false);
      else if (wishes.isDry) reportDry(file, read.bytes.length, wishes, report);
      return !isKnown && wishes.isDry !== true;
    });
    const { bucket, mime_type, metadata, if_version, expires_in, saved_by } = wishes;
    const saves = wanted.map(({ file: { key }, read: { bytes, sha256 } }) => {
      const defaultMimeType = typeOfContent(bytes) ?? unknownType;
      return { bucket, key, bytes, sha256, mime_type, defaultMimeType, metadata, if_version, expires_in, saved_by };
    });
    const results = await this.#dependencies.artifacts.saveMany(bucket, saves);
    const refused: { readonly file: NamedFile; readonly reason: unknown }[] = [];
    for (const [index, { file, read }] of wanted.entries()) {
      const result = results[index];
      if (result?.status === "fulfilled") reportSaved(file, read.bytes.length, result.value, wishes, report);
      else refused.push({ file, reason: result?.reason });
    }
    // Last, because an error that is about the store is thrown.
    for (const { file, reason } of refused) report.fail(file.name, problemOfFile(reason));
  }

  async #saveLarger(file: NamedFile, wishes: SaveWishes, report: JobReport): Promise<void> {
    wishes.signal.throwIfAborted();
    const [read] = await this.#dependencies.files.readSmall([file.path], this.#wholeBytes);
    if (read?.kind === "failed") return report.fail(file.name, read.problem);
    if (read?.kind === "read") return this.#saveSmall([{ file, read }], wishes, report);
    if (read === undefined) throw new Error(`${file.path} was not read`);
    try {
      await this.#saveLarge(file, read.size, wishes, report);
    } catch (error) {
      report.fail(file.name, problemOfFile(error));
    }
  }

  async #saveLarge(file: NamedFile, size: number, wishes: SaveWishes, report: JobReport): Promise<void> {
    const { files, fileUpload } = this.#dependencies;
    const { path, key } = file;
    if (await this.#isKnown(file, size, wishes)) return report.done(size, false);
    if (wishes.isDry) return reportDry(file, size, wishes, report);
    const opened = await files.open(path);
    const onProgress = report.begin();
    try {
      const mime_type = wishes.mime_type ?? (await defaultTypeOf(opened, key));
      const saved = await this.#savedBefore(file, opened.bytes, { ...wishes, mime_type });
      let start = 0;
      const onContinue = (at: number): void => {
        start = at;
        onProgress(at);
      };
      const steps = { onContinue, onProgress: (done: number) => onProgress(Math.max(done, start)) };
      const upload = () =>
        fileUpload.resume(opened, { ...wishes, key, mime_type }, { ...wishes, ...steps, allowed: [] });
      const artifact = saved ?? (await upload());
      report.continuedAt = start;
      onProgress(0);
      reportSaved(file, opened.bytes, artifact, wishes, report);
    } finally {
      onProgress(0);
      await opened.close();
    }
  }

  async #isKnown({ path, key }: NamedFile, bytes: number, { known }: SaveWishes): Promise<boolean> {
    const expected = known?.(key);
    if (expected?.bytes !== bytes) return false;
    const [found] = await this.#dependencies.files.compare([{ path, ...expected }]);
    return found?.kind === "same";
  }

  /** The newest version, if to save this file would make none: then its bytes need no upload. */
  async #savedBefore(
    { path, key }: NamedFile,
    bytes: number,
    { bucket, mime_type, metadata = {}, expires_in }: SaveWishes,
  ): Promise<Artifact | undefined> {
    const { artifacts, files } = this.#dependencies;
    const newest = await artifacts.get(bucket, key).catch((error) => {
      if (error instanceof ArtifactError && error.code === "artifact_not_found") return undefined;
      throw error;
    });
    if (newest?.bytes !== bytes || newest.mime_type !== mime_type || !sameStrings(newest.metadata, metadata)) {
      return undefined;
    }
    if (expires_in !== undefined || newest.expires_at !== undefined) return undefined;
    const [found] = await files.compare([{ path, bytes, sha256: newest.sha256 }]);
    return found?.kind === "same" ? { ...newest, already_saved: true } : undefined;
  }
}

interface SmallFile {
  readonly file: NamedFile;
  readonly read: Extract<SmallRead, { readonly kind: "read" }>;
}

function reportSaved(
  file: NamedFile,
  bytes: number,
  artifact: Artifact,
  { onSaved }: SaveWishes,
  report: JobReport,
): void {
  report.done(bytes, artifact.already_saved !== true);
  onSaved?.(file, artifact);
}

function reportDry(file: NamedFile, bytes: number, { onDryRun }: SaveWishes, report: JobReport): void {
  onDryRun?.(file);
  report.done(bytes, true);
}
