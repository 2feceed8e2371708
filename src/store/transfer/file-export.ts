import type { ArtifactStore } from "../artifacts/artifact-store.js";
import type { OpenArtifact } from "../artifacts/open-artifact.js";
import type { LocalFiles, LocalTarget } from "../ports/local-files.js";
import type { TransferOptions } from "./transfer-options.js";

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

/** Writes content to a file of this machine, in blocks. */
export class FileExport {
  readonly #files: LocalFiles;
  readonly #artifacts: ArtifactStore;

  constructor(files: LocalFiles, artifacts: ArtifactStore) {
    this.#files = files;
    this.#artifacts = artifacts;
  }

  /**
   * Writes the content of a version to a file. The file appears under its name when it is whole, or not at all.
   *
   * @throws ArtifactError `artifact_not_found`, `path_not_allowed`, `corrupt`, `storage_full`; `invalid_argument`
   * if the name is taken
   */
  async run(wanted: ExportFile, options: TransferOptions): Promise<ExportedFile> {
    const content = await this.#artifacts.open(wanted.bucket, wanted.key, wanted.version);
    try {
      const target = await this.#files.create(wanted.path, options.allowed, wanted.overwrite);
      try {
        await writeContent(content, target, options);
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
}

async function writeContent(
  { artifact, whole }: OpenArtifact,
  target: LocalTarget,
  { signal, onProgress }: TransferOptions,
): Promise<void> {
  let done = 0;
  for await (const block of whole()) {
    signal?.throwIfAborted();
    await target.write(block);
    done += block.length;
    onProgress?.(done, artifact.bytes);
  }
}
