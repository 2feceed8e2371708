import type { ArtifactStore } from "../artifacts/artifact-store.js";
import type { OpenArtifact } from "../artifacts/open-artifact.js";
import { forEachOf } from "../for-each-of.js";
import type { Artifact } from "../model/artifact.js";
import { count } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { largestPageLimit } from "../model/limits.js";
import { quote } from "../model/quote.js";
import type { ArchiveFolder, ArchiveFolders } from "../ports/archive-folder.js";
import type { Digests } from "../ports/digests.js";
import { ProgressCounter } from "../transfer/progress-counter.js";
import type { FolderProgress } from "../transfer/transfer-options.js";
import { archiveNames, manifestName, plainName } from "./archive-names.js";
import {
  type ArchiveTarget,
  filesIn,
  isAboutExport,
  leftoversIn,
  lookAtTarget,
  noteUnfinished,
  unfinishedName,
} from "./archive-target.js";
import { concernsOne } from "./concerns-one.js";
import { digestOf } from "./digest-of.js";
import { type ManifestEntry, manifestText } from "./manifest.js";
import { writeText } from "./write-text.js";

export interface ExportArchive {
  /** Absolute. */
  readonly path: string;
  /** All buckets by default. */
  readonly bucket?: string | undefined;
  /** The beginning of keys; needs `bucket`. */
  readonly prefix?: string | undefined;
  /** Files of an earlier export that belong to no artifact any more are removed. Without it they stop the export. */
  readonly removesStale: boolean;
  /**
   * Only this earlier export may be replaced: one that has come meanwhile stops the export. Any by default.
   */
  readonly replaces?: Pick<ArchiveTarget, "manifest"> | undefined;
}

export interface ArchiveOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FolderProgress) => void) | undefined;
  /** Takes the `<bucket>/<key>` of each artifact that could not be exported or imported. */
  readonly onProblem: (name: string, error: ArtifactError) => void;
}

export interface ExportedArchive {
  readonly path: string;
  readonly artifacts: number;
  readonly bytes: number;
  /** Artifacts that could not be written. If there is one, there is no manifest. */
  readonly failed: number;
  /** Stale files of an earlier export. */
  readonly removed: number;
  /** Files of nobody's export. They are left alone. */
  readonly foreign: readonly string[];
}

export interface ArchiveExportDependencies {
  readonly folders: ArchiveFolders;
  readonly artifacts: ArtifactStore;
  readonly digests: Digests;
}

/** An artifact when the export began, and the name of its file. */
interface Planned {
  readonly artifact: Artifact;
  readonly file: string;
}

/** Files that are written at once. */
const exportWidth = 4;

/**
 * Writes the newest version of each artifact to a directory, and at last a manifest. A directory with a manifest is
 * whole, also after a kill or power loss. Two exports of equal artifacts write equal bytes. One export at a time writes to
 * a directory.
 */
export class ArchiveExport {
  readonly #dependencies: ArchiveExportDependencies;

  constructor(dependencies: ArchiveExportDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Exports. An artifact that is deleted meanwhile is left out. One that changes is exported as one of its versions. The
   * same export again ends what a killed one has begun, and leaves files as they are that have the right content.
   *
   * @throws ArtifactError `bucket_not_found`; `artifact_not_found` if nothing is under the prefix; `invalid_argument` if
   * the directory cannot be used, if another export writes to it, or if it has stale files that must not be removed:
   * `stale` in the details is their number
   */
  async run(wanted: ExportArchive, options: ArchiveOptions): Promise<ExportedArchive> {
    const folder = this.#dependencies.folders.at(wanted.path);
    await filesIn(folder); // throws before anything is made in a directory that is not of an export
    const planned = await this.#plan(wanted);
    const claim = await folder.claim();
    if (claim === undefined) throw inUse(folder);
    try {
      return await this.#exportTo(folder, planned, wanted, options);
    } finally {
      await claim.release();
    }
  }

  /** Exports to a directory that is claimed. */
  async #exportTo(
    folder: ArchiveFolder,
    planned: readonly Planned[],
    { removesStale, replaces }: ExportArchive,
    options: ArchiveOptions,
  ): Promise<ExportedArchive> {
    const target = await lookAtTarget(folder);
    if (replaces !== undefined && target.manifest !== undefined && target.manifest !== replaces.manifest) {
      throw notReplaced(folder);
    }
    const files = new Set(planned.map(({ file }) => file));
    const stale = [...target.present].filter(
      (name) => target.owned.has(name) && !files.has(name) && !isAboutExport(name),
    );
    if (stale.length > 0 && !removesStale) throw wouldStay(stale);
    const leftovers = leftoversIn({ ...target, owned: new Set([...target.owned, ...files]) });
    const foreign = [...target.present].filter((name) => !target.owned.has(name) && !leftovers.includes(name));
    await begin(folder, target, files, [...leftovers, ...stale]);
    const { entries, failed } = await this.#writeAll(folder, target, planned, options);
    if (failed === 0) await finish(folder, entries);
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    return { path: folder.path, artifacts: entries.length, bytes, failed, removed: stale.length, foreign };
  }

  async #plan({ bucket, prefix = "" }: ExportArchive): Promise<Planned[]> {
    const { artifacts } = this.#dependencies;
    const found: Artifact[] = [];
    let cursor: string | undefined;
    do {
      const page = { cursor, limit: largestPageLimit };
      const { data, next_cursor } =
        bucket === undefined ? await artifacts.listAll(page) : await artifacts.list({ bucket, prefix, ...page });
      found.push(...data);
      cursor = next_cursor;
    } while (cursor !== undefined);
    if (bucket !== undefined && found.length === 0) throw nothingUnder(bucket, prefix);
    const names = archiveNames(found);
    return found.map((artifact, index) => ({ artifact, file: names[index] ?? plainName(artifact) }));
  }

  async #writeAll(
    folder: ArchiveFolder,
    target: ArchiveTarget,
    planned: readonly Planned[],
    { signal, onProgress, onProblem }: ArchiveOptions,
  ): Promise<{ readonly entries: readonly ManifestEntry[]; readonly failed: number }> {
    const progress = new ProgressCounter(
      planned.map(({ artifact }) => artifact),
      onProgress,
    );
    const entries = new Map<Planned, ManifestEntry>();
    let failed = 0;
    await forEachOf(planned, exportWidth, async (each) => {
      signal?.throwIfAborted();
      try {
        const entry = await this.#write(folder, target, each, { signal, onProgress: progress.begin() });
        if (entry !== undefined) entries.set(each, entry);
      } catch (error) {
        if (!concernsOne(error)) throw error;
        failed += 1;
        onProblem(plainName(each.artifact), error);
      }
      progress.finishFile();
    });
    return { entries: planned.flatMap((each) => entries.get(each) ?? []), failed };
  }

  /** Writes one artifact as it is now. Returns undefined if it was deleted. */
  async #write(folder: ArchiveFolder, target: ArchiveTarget, planned: Planned, options: WriteOptions) {
    const { file } = planned;
    const { bucket, key } = planned.artifact;
    const isOwned = target.owned.has(file);
    try {
      const content = await this.#dependencies.artifacts.open(bucket, key);
      try {
        const isThere = isOwned && target.present.has(file) && (await this.#hasContent(folder, file, content.artifact));
        if (!isThere) await writeContent(folder, file, content, { ...options, overwrite: isOwned });
        return entryOf(content.artifact, file);
      } finally {
        await content.close();
      }
    } catch (error) {
      if (!(error instanceof ArtifactError && error.code === "artifact_not_found")) throw error;
      if (isOwned) await folder.remove(file);
      return undefined;
    }
  }

  async #hasContent(folder: ArchiveFolder, name: string, { bytes, sha256 }: Artifact): Promise<boolean> {
    const file = await folder.open(name).catch(() => undefined); // whatever it is now, it is replaced
    if (file === undefined) return false;
    try {
      return file.bytes === bytes && (await digestOf(file, this.#dependencies.digests)) === sha256;
    } finally {
      await file.close();
    }
  }
}

interface WriteOptions extends Pick<ArchiveOptions, "signal"> {
  readonly onProgress: (done: number) => void;
}

/** After this the directory has no manifest, and says what may be in it. */
async function begin(
  folder: ArchiveFolder,
  { present, owned }: ArchiveTarget,
  files: ReadonlySet<string>,
  removed: readonly string[],
): Promise<void> {
  // A foreign file at the place of an artifact does not become one of ours.
  const free = [...files].filter((name) => owned.has(name) || !present.has(name));
  const names = new Set([...owned, ...free]);
  for (const name of [...names].filter(isAboutExport)) names.delete(name);
  await noteUnfinished(folder, names);
  await folder.remove(manifestName);
  for (const name of removed) await folder.remove(name);
}

async function finish(folder: ArchiveFolder, entries: readonly ManifestEntry[]): Promise<void> {
  await writeText(folder, manifestName, manifestText(entries));
  await folder.remove(unfinishedName);
}

async function writeContent(
  folder: ArchiveFolder,
  file: string,
  content: OpenArtifact,
  { overwrite, signal, onProgress }: WriteOptions & { readonly overwrite: boolean },
): Promise<void> {
  const target = await folder.create(file, overwrite);
  try {
    let done = 0;
    for await (const block of content.whole()) {
      signal?.throwIfAborted();
      await target.write(block);
      done += block.length;
      onProgress(done);
    }
    await target.commit();
  } finally {
    await target.discard();
  }
}

function entryOf({ bucket, key, version, bytes, sha256, mime_type, metadata }: Artifact, file: string): ManifestEntry {
  return { bucket, key, version, bytes, sha256, mime_type, metadata, file };
}

function nothingUnder(bucket: string, prefix: string): ArtifactError {
  const message = `There is no artifact in bucket ${quote(bucket)} whose key begins with ${quote(prefix)}.`;
  return new ArtifactError("artifact_not_found", message, { next: "see_artifacts", details: { bucket, key: prefix } });
}

function inUse({ path }: ArchiveFolder): ArtifactError {
  const message = `Another export is writing to ${quote(path)}. Nothing was written: wait until it has ended, or give another directory.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "path" } });
}

function notReplaced({ path }: ArchiveFolder): ArtifactError {
  const message = `Another export was written to ${quote(path)} meanwhile. Nothing was written: give another directory.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "path" } });
}

function wouldStay(stale: readonly string[]): ArtifactError {
  const files = count(stale.length, "file");
  const message = `The directory has ${files} of an earlier export that no artifact has now, like ${quote(stale[0] ?? "")}. Nothing was written.`;
  return new ArtifactError("invalid_argument", message, { details: { argument: "path", stale: stale.length } });
}
