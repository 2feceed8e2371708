import { platform } from "node:os";
import type { ArtifactStore } from "../../artifacts/artifact-store.js";
import { ArtifactError } from "../../model/errors.js";
import { quote } from "../../model/quote.js";
import type { UserFiles } from "../../ports/user-files.js";
import type { Uploads } from "../../uploads/uploads.js";
import { FileUpload, unknownType } from "../file-upload.js";
import { keyIn, toKeyFolder } from "../folder-names.js";
import { DiskNames } from "./disk-names.js";
import { fileSegment } from "./escaped-names.js";
import { FileGetter } from "./file-getter.js";
import { FileSaver, type KnownContent, type SaveWishes } from "./file-saver.js";
import type { JobReport } from "./job-report.js";
import { artifactsIn, type NamedArtifact, namedArtifacts, withoutCase } from "./named-artifacts.js";
import { type NamedFile, namedFiles, type WalkReport } from "./named-files.js";
import { deleteArtifacts, deleteFiles, type Known } from "./sync-deletions.js";
import type {
  FolderOptions,
  FolderPair,
  GetFolderOptions,
  PutFolderOptions,
  SyncOptions,
} from "./user-transfer-options.js";

export interface UserTransferDependencies {
  readonly files: UserFiles;
  readonly artifacts: ArtifactStore;
  readonly uploads: Uploads;
  readonly maxChunkBytes: number;
}

const isWindows = platform() === "win32";

/** Moves files and folders between this machine and the store, for the person who runs a command. */
export class UserTransfer {
  readonly #dependencies: UserTransferDependencies;
  readonly #saver: FileSaver;
  readonly #getter: FileGetter;

  constructor(dependencies: UserTransferDependencies) {
    const { files, artifacts, uploads, maxChunkBytes } = dependencies;
    this.#dependencies = dependencies;
    this.#saver = new FileSaver({ ...dependencies, fileUpload: new FileUpload(uploads, maxChunkBytes) });
    this.#getter = new FileGetter(files, artifacts);
  }

  /** Saves single files. @throws as `FileSaver.saveAll` does */
  async putFiles(files: readonly NamedFile[], wishes: SaveWishes, report: JobReport): Promise<void> {
    this.#checkWishes(wishes);
    await this.#saver.saveAll(each(files), wishes, report);
  }

  /** Saves the files below a folder. @throws as `FileSaver.saveAll` does; `invalid_argument` if it cannot be read */
  async putFolder(pair: FolderPair, options: PutFolderOptions, report: JobReport): Promise<void> {
    this.#checkWishes({ ...options, bucket: pair.bucket });
    const found = namedFiles(
      this.#dependencies.files,
      pair.folder,
      { ...options, keyFolder: toKeyFolder(pair.prefix), names: this.#namesIn(pair.folder) },
      report,
    );
    await this.#saver.saveAll(found, { ...options, bucket: pair.bucket }, report);
  }

  /** Checks what is the same for all files, so that it is not refused for each. @throws ArtifactError `invalid_argument` */
  #checkWishes({ bucket, mime_type, metadata, expires_in }: SaveWishes): void {
    const save = { bucket, key: "any", mime_type, metadata, expires_in, defaultMimeType: unknownType };
    this.#dependencies.artifacts.checkSave(save, 0);
  }

  /** Writes one artifact. Returns the name of the file in `folder`, as it is spelled there. @throws as `FileGetter.getAll` does */
  async getFile(found: NamedArtifact, folder: string, options: GetFolderOptions, report: JobReport): Promise<string> {
    const name = await this.#namesIn(folder).spelled(found.name);
    report.totalBytes = found.artifact.bytes;
    await this.#getter.getAll(each([{ ...found, name }]), { ...options, folder }, report);
    await this.#dependencies.files.finish();
    return name;
  }

  /** Writes all artifacts in a folder of keys. @throws as `FileGetter.getAll` does; `artifact_not_found` if there is none */
  async getFolder(pair: FolderPair, options: GetFolderOptions, report: JobReport): Promise<void> {
    const found = await this.#namedArtifacts(pair, options, report);
    await this.#writeAll(found, { ...options, folder: pair.folder }, report);
  }

  /** Makes a folder of keys like a folder. @throws as `putFolder` does */
  async syncToStore(pair: FolderPair, options: SyncOptions, report: JobReport): Promise<void> {
    const { bucket } = pair;
    const { files, artifacts } = this.#dependencies;
    const keyFolder = toKeyFolder(pair.prefix);
    await this.#checkSourceFolder(pair.folder);
    const known = await this.#known(bucket, keyFolder);
    const walk: WalkReport = { isPartial: false, skippedKeys: [] };
    const names = this.#namesIn(pair.folder);
    const found = namedFiles(files, pair.folder, { ...options, keyFolder, names }, report, walk);
    const wishes: SaveWishes = {
      bucket,
      saved_by: options.saved_by,
      signal: options.signal,
      isDry: options.isDry,
      known: (key) => known.get(key),
      onDryRun: ({ key }) => options.onDryRun?.("copy", key),
    };
    const source = new Set<string>();
    await this.#saver.saveAll(
      noting(found, ({ key }) => source.add(key)),
      wishes,
      report,
    );
    if (!options.deletes) return;
    const isThereNow = (key: string): Promise<boolean> => this.#isThereNow(pair, key, options);
    await deleteArtifacts(artifacts, { bucket, known, source, walk, isThereNow }, options, report);
  }

  /** Makes a folder like a folder of keys. @throws as `getFolder` does */
  async syncToFolder(pair: FolderPair, options: SyncOptions, report: JobReport): Promise<void> {
    const { files } = this.#dependencies;
    const foldsCase = await files.foldsCase(pair.folder);
    const comparable = (name: string): string => (foldsCase ? withoutCase(name) : name.normalize("NFC"));
    const source = new Set<string>();
    const kept: string[] = [];
    const onRefused = (names: readonly string[]): void => void kept.push(...names.map(comparable));
    const found = await this.#namedArtifacts(pair, options, report, onRefused);
    const noted = noting(found, ({ name }) => source.add(comparable(name)));
    const onDryRun = (name: string): void => options.onDryRun?.("copy", name);
    await this.#writeAll(noted, { ...options, folder: pair.folder, overwrite: true, onDryRun }, report);
    if (!options.deletes) return;
    kept.push(...report.failed.map(({ name }) => comparable(name)));
    const isExtra = async (name: string): Promise<boolean> => {
      const own = comparable(name);
      return !source.has(own) && !isOnTheWay(own, kept) && !(await this.#isSavedNow(pair, name, options));
    };
    await deleteFiles(files, pair.folder, isExtra, options, report);
    if (!options.isDry) await files.finish();
  }

  /** Whether somebody has saved the artifact of a file since the artifacts were listed. */
  async #isSavedNow({ bucket, prefix, folder }: FolderPair, name: string, { rename }: FolderOptions): Promise<boolean> {
    const mapped = await this.#namesIn(folder).keyOf(name);
    for (const key of rename ? [mapped] : new Set([name, mapped])) {
      if (await this.#isArtifact(bucket, keyIn(toKeyFolder(prefix), key))) return true;
    }
    return false;
  }

  async #isArtifact(bucket: string, key: string): Promise<boolean> {
    try {
      await this.#dependencies.artifacts.get(bucket, key);
      return true;
    } catch (error) {
      // No key can be like this text, or there is no such artifact.
      if (error instanceof ArtifactError && ["invalid_argument", "artifact_not_found"].includes(error.code))
        return false;
      throw error;
    }
  }

  /** Whether somebody has made the file of a key since the folder was read. */
  async #isThereNow({ prefix, folder }: FolderPair, key: string, { rename }: FolderOptions): Promise<boolean> {
    const own = key.slice(keyIn(toKeyFolder(prefix), "").length);
    const segments = own.split("/").map((segment) => fileSegment(segment, { isWindows, rename }));
    if (segments.some((found) => "problem" in found)) return false;
    const name = segments.map((found) => ("name" in found ? found.name : "")).join("/");
    try {
      const found = await this.#dependencies.files.look(`${folder}/${await this.#namesIn(folder).spelled(name)}`);
      return found !== undefined && found.kind !== "folder";
    } catch (error) {
      if (error instanceof ArtifactError) return true; // it cannot be known
      throw error;
    }
  }

  #namesIn(folder: string): DiskNames {
    return new DiskNames(this.#dependencies.files, folder, isWindows);
  }

  async #writeAll(
    found: AsyncIterable<NamedArtifact>,
    wishes: Parameters<FileGetter["getAll"]>[1],
    report: JobReport,
  ): Promise<void> {
    const { files } = this.#dependencies;
    try {
      await this.#getter.getAll(found, wishes, report);
    } catch (error) {
      await files.finish();
      throw error;
    }
    if (wishes.isDry !== true) await files.finish();
  }

  async #namedArtifacts(
    pair: FolderPair,
    { rename }: FolderOptions,
    report: JobReport,
    onRefused?: (names: readonly string[]) => void,
  ) {
    const { bucket, folder } = pair;
    const { files, artifacts } = this.#dependencies;
    const keyFolder = toKeyFolder(pair.prefix);
    await this.#checkSource(bucket, keyFolder);
    await this.#checkTarget(folder);
    const names = this.#namesIn(folder);
    const spelled = (name: string): Promise<string> => names.spelled(name);
    const foldsCase = await files.foldsCase(folder);
    const options = { bucket, keyFolder, rename, isWindows, foldsCase, spelled, ...(onRefused && { onRefused }) };
    return namedArtifacts(artifacts, options, report);
  }

  /** @throws ArtifactError `invalid_argument` if there is no folder */
  async #checkSourceFolder(folder: string): Promise<void> {
    const found = await this.#dependencies.files.look(folder);
    if (found?.kind === "folder") return;
    const message =
      found === undefined
        ? `There is no folder ${quote(folder)}.`
        : `${quote(folder)} is ${found.what} and no folder${found.kind === "file" ? ": put saves a file" : ""}.`;
    throw new ArtifactError("invalid_argument", message, { details: { argument: "path" } });
  }

  /** @throws ArtifactError `bucket_not_found`, `artifact_not_found` if there is nothing in the folder of keys */
  async #checkSource(bucket: string, keyFolder: string): Promise<void> {
    const { data } = await this.#dependencies.artifacts.list({ bucket, prefix: keyIn(keyFolder, ""), limit: 1 });
    if (data.length > 0) return;
    if (keyFolder !== "" && (await this.#isArtifact(bucket, keyFolder))) {
      const message = `${quote(keyFolder)} in bucket ${quote(bucket)} is an artifact and no folder: leave out -r, or write it with get.`;
      throw new ArtifactError("invalid_argument", message, { details: { bucket, key: keyFolder } });
    }
    const message = `There is nothing under ${quote(`${keyFolder}/`)} in bucket ${quote(bucket)}.`;
    throw new ArtifactError("artifact_not_found", message, {
      next: "see_artifacts",
      details: { bucket, prefix: keyFolder },
    });
  }

  /** @throws ArtifactError `invalid_argument` if there is something that is no folder */
  async #checkTarget(folder: string): Promise<void> {
    const found = await this.#dependencies.files.look(folder);
    if (found === undefined || found.kind === "folder") return;
    const message = `${quote(folder)} is ${found.what}, and many files need a folder.`;
    throw new ArtifactError("invalid_argument", message, { next: "export_elsewhere", details: { argument: "path" } });
  }

  /** What the store has in a folder of keys, by key. */
  async #known(bucket: string, keyFolder: string): Promise<Map<string, Known & KnownContent>> {
    const known = new Map<string, Known & KnownContent>();
    try {
      for await (const { key, version, edit, bytes, sha256 } of artifactsIn(
        this.#dependencies.artifacts,
        bucket,
        keyFolder,
      )) {
        known.set(key, { version, edit, bytes, sha256 });
      }
    } catch (error) {
      if (!(error instanceof ArtifactError && error.code === "bucket_not_found")) throw error;
    }
    return known;
  }
}

/** Whether a file is one of these, or lies on the way to one, or below one. */
function isOnTheWay(name: string, others: readonly string[]): boolean {
  return others.some((other) => name === other || other.startsWith(`${name}/`) || name.startsWith(`${other}/`));
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item, void, undefined> {
  yield* items;
}

async function* noting<Item>(items: AsyncIterable<Item>, note: (item: Item) => void) {
  for await (const item of items) {
    note(item);
    yield item;
  }
}
