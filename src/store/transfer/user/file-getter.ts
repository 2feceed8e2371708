import { posix } from "node:path";
import type { ArtifactStore } from "../../artifacts/artifact-store.js";
import type { OpenArtifact } from "../../artifacts/open-artifact.js";
import { forEachOf } from "../../for-each-of.js";
import { ArtifactError } from "../../model/errors.js";
import { copyBlockBytes, wholeImportBytes } from "../../model/limits.js";
import { quote } from "../../model/quote.js";
import { readAhead } from "../../pieces/read-ahead.js";
import type { CommitResult, Comparison, NewFile, ResumableFile, UserFiles } from "../../ports/user-files.js";
import { batchesOf } from "./batches.js";
import { problemOfFile } from "./job-errors.js";
import type { JobReport } from "./job-report.js";
import type { NamedArtifact } from "./named-artifacts.js";

export interface GetWishes {
  /** Absolute. The files are written below it. */
  readonly folder: string;
  /** Replaces files that have other content. */
  readonly overwrite: boolean;
  readonly signal: AbortSignal;
  /** Writes nothing, and reports what it would write. */
  readonly isDry?: boolean;
  readonly onDryRun?: (name: string) => void;
}

interface Target extends NamedArtifact {
  readonly path: string;
}

/** Artifacts up to this size are written as a whole. Larger files are continued after a kill. */
const wholeBytes = wholeImportBytes;
const batchFiles = 64;
const batchBytes = 2 * wholeImportBytes;
/** Batches, or larger files, that are in work at once. */
const width = 4;

/** How often a file begins again after its hidden file was removed. */
const maxLosses = 5;

export const taken = "a file with other content is there (--overwrite replaces it)";

/** Writes artifacts to files of this machine. */
export class FileGetter {
  readonly #files: UserFiles;
  readonly #artifacts: ArtifactStore;

  constructor(files: UserFiles, artifacts: ArtifactStore) {
    this.#files = files;
    this.#artifacts = artifacts;
  }

  /**
   * Writes each artifact to its file, unless the file has this content already. A file with other content stays, unless
   * `overwrite` is given. What cannot be written goes to the report, and the others go on.
   *
   * @throws ArtifactError `storage_full` if the disk is full; the reason of the signal
   */
  async getAll(artifacts: AsyncIterable<NamedArtifact>, wishes: GetWishes, report: JobReport): Promise<void> {
    const sizeOf = ({ artifact }: NamedArtifact): number => artifact.bytes;
    const batches = batchesOf(artifacts, { maxItems: batchFiles, maxSize: batchBytes, sizeOf });
    await forEachOf(batches, width, async (batch) => {
      wishes.signal.throwIfAborted();
      const targets = batch.map((each) => ({ ...each, path: `${wishes.folder}/${each.name}` }));
      const wanted = await this.#wanted(targets, wishes, report);
      const isSmall = ({ artifact }: Target): boolean => artifact.bytes <= wholeBytes;
      await this.#getSmall(wanted.filter(isSmall), wishes, report);
      for (const target of wanted) if (!isSmall(target)) await this.#getLarge(target, wishes, report);
    });
  }

  /** The targets whose files are absent, or are to be replaced. The others go to the report. */
  async #wanted(targets: readonly Target[], wishes: GetWishes, report: JobReport): Promise<Target[]> {
    const absent: Target[] = [];
    const toCompare: Target[] = [];
    for (const target of targets) {
      const isNew = wishes.isDry ? false : await this.#makeFolder(target, wishes.folder, report);
      if (isNew !== undefined) (isNew ? absent : toCompare).push(target);
    }
    if (toCompare.length === 0) return absent;
    const found = await this.#files.compare(toCompare.map(expected));
    const wanted = toCompare.filter((target, index) => {
      const comparison = found[index];
      if (comparison?.kind === "absent" || (comparison?.kind === "other" && wishes.overwrite)) return true;
      reportFound(target, comparison, report);
      return false;
    });
    for (const target of toCompare) if (!wanted.includes(target)) await this.#files.removeLeftovers(target.path);
    if (!wishes.isDry) return [...absent, ...wanted];
    for (const { name, artifact } of wanted) {
      wishes.onDryRun?.(name);
      report.done(artifact.bytes, true);
    }
    return [];
  }

  /** Makes the folder of a file. Returns whether it is new; undefined if it cannot be made. */
  async #makeFolder({ name, path }: Target, top: string, report: JobReport): Promise<boolean | undefined> {
    const made = await this.#files.makeFolder(posix.dirname(path), top);
    if (made.kind === "ready") return made.isNew;
    if (made.isFull) throw diskFull(path, made.problem);
    report.fail(name, made.problem);
    return undefined;
  }

  async #getSmall(targets: readonly Target[], wishes: GetWishes, report: JobReport): Promise<void> {
    const found = await this.#artifacts.readSmall(targets.map(({ artifact }) => artifact));
    const read = await Promise.all(
      targets.map((target, index) => {
        const bytes = found[index];
        const { path, artifact } = target;
        return bytes === undefined
          ? this.#read(target, report)
          : { target, file: { path, bytes, sha256: artifact.sha256 } };
      }),
    );
    const files = read.filter((each) => each !== undefined);
    if (files.length === 0) return;
    const results = await this.#files.writeSmall(
      files.map(({ file }) => file),
      wishes.overwrite,
    );
    const full = results.find((result) => result.kind === "failed" && result.isFull);
    for (const [index, { target }] of files.entries()) {
      const result = results[index] ?? { kind: "failed", problem: "it was not written", isFull: false };
      if (result.kind === "written") await this.#written(target, report);
      else if (result.kind === "taken") await this.#taken(target, report);
      else if (!result.isFull) report.fail(target.name, result.problem);
    }
    if (full?.kind === "failed") throw diskFull(wishes.folder, full.problem);
  }

  async #read(target: Target, report: JobReport): Promise<{ target: Target; file: NewFile } | undefined> {
    const { name, path, artifact } = target;
    const { bucket, key, version, bytes: length, sha256 } = artifact;
    try {
      const content = await this.#artifacts.open(bucket, key, version);
      try {
        return { target, file: { path, bytes: await content.read(0, length), sha256 } };
      } finally {
        await content.close();
      }
    } catch (error) {
      report.fail(name, problemOfFile(error));
      return undefined;
    }
  }

  async #written({ path, artifact }: Target, report: JobReport): Promise<void> {
    report.done(artifact.bytes, true);
    await this.#files.removeLeftovers(path);
  }

  /** Another process has made the file meanwhile. */
  async #taken(target: Target, report: JobReport): Promise<void> {
    const [found] = await this.#files.compare([expected(target)]);
    reportFound(target, found, report);
  }

  async #getLarge(target: Target, wishes: GetWishes, report: JobReport): Promise<void> {
    const { bucket, key, version } = target.artifact;
    const onProgress = report.begin();
    try {
      const content = await this.#artifacts.open(bucket, key, version);
      try {
        const onBegin = (bytes: number): void => {
          report.continuedAt = bytes;
        };
        const isMade = await this.#copyLarge(content, target, wishes, { onBegin, onProgress });
        onProgress(0);
        if (isMade) await this.#written(target, report);
        else await this.#taken(target, report);
      } finally {
        await content.close();
      }
    } catch (error) {
      onProgress(0);
      report.fail(target.name, problemOfFile(error));
    }
  }

  /**
   * Goes on with the bytes that a killed get has left. If these turn out to be wrong, or somebody takes them away, begins
   * again. Returns whether the file was made; otherwise another process has made it.
   */
  async #copyLarge(content: OpenArtifact, target: Target, wishes: GetWishes, watch: CopyWatch): Promise<boolean> {
    for (let losses = 0; losses < maxLosses; ) {
      const result = await this.#copyOnce(content, target, wishes, watch);
      if (result === "written" || result === "taken") return result === "written";
      const [found] = await this.#files.compare([expected(target)]);
      if (found?.kind === "same") return false;
      if (result === "lost") losses += 1;
    }
    throw new ArtifactError("invalid_argument", "Somebody keeps removing its hidden file.");
  }

  /** @returns `wrong` if the bytes that were there already were other ones; they are removed */
  async #copyOnce(
    content: OpenArtifact,
    target: Target,
    wishes: GetWishes,
    { onBegin, onProgress }: CopyWatch,
  ): Promise<CommitResult | "wrong"> {
    const file = await this.#files.begin(expected(target), wishes.overwrite);
    onBegin(file.bytes);
    try {
      await copyRest(content, file, wishes.signal, onProgress);
    } catch (error) {
      const isWrong = error instanceof ArtifactError && error.code === "corrupt";
      await (isWrong ? file.discard() : file.leave());
      if (isWrong && file.bytes > 0) return "wrong";
      throw error;
    }
    return file.commit();
  }
}

interface CopyWatch {
  /** Called with the bytes that a killed get has left. */
  onBegin(bytes: number): void;
  onProgress(done: number): void;
}

/** Reports a file that is there and stays. */
function reportFound({ name, artifact }: Target, found: Comparison | undefined, report: JobReport): void {
  if (found?.kind === "same") report.done(artifact.bytes, false);
  else report.fail(name, found?.kind === "failed" ? found.problem : taken);
}

async function copyRest(
  content: OpenArtifact,
  file: ResumableFile,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<void> {
  let done = file.bytes;
  const known = readAhead(file.read, { start: 0, end: file.bytes, blockBytes: copyBlockBytes });
  for await (const block of content.after(known, file.bytes)) {
    signal.throwIfAborted();
    await file.write(block);
    done += block.length;
    onProgress(done);
  }
}

function expected({ path, artifact: { bytes, sha256 } }: Target) {
  return { path, bytes, sha256 };
}

function diskFull(path: string, problem: string): ArtifactError {
  const message = `Files in ${quote(path)} cannot be written: ${problem}. Make room there: the same command goes on.`;
  return new ArtifactError("storage_full", message, { details: { path } });
}
