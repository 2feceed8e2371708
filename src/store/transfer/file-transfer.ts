import type { ArtifactStore } from "../artifacts/artifact-store.js";
import type { UploadSession } from "../model/upload-session.js";
import type { LocalFiles } from "../ports/local-files.js";
import type { Uploads } from "../uploads/uploads.js";
import { type ExportedFile, type ExportFile, FileExport } from "./file-export.js";
import { FileImport, type ImportFile } from "./file-import.js";
import type { TransferOptions } from "./transfer-options.js";

export interface FileTransferDependencies {
  readonly files: LocalFiles;
  readonly uploads: Uploads;
  readonly artifacts: ArtifactStore;
  readonly maxChunkBytes: number;
}

/** Moves content of any size between the store and files of this machine. */
export class FileTransfer {
  readonly #import: FileImport;
  readonly #export: FileExport;

  constructor({ files, uploads, artifacts, maxChunkBytes }: FileTransferDependencies) {
    this.#import = new FileImport(files, uploads, maxChunkBytes);
    this.#export = new FileExport(files, artifacts);
  }

  /** @throws as `FileImport.run` does */
  async importFile(wanted: ImportFile, options: TransferOptions): Promise<UploadSession> {
    return this.#import.run(wanted, options);
  }

  /** @throws as `FileExport.run` does */
  async exportFile(wanted: ExportFile, options: TransferOptions): Promise<ExportedFile> {
    return this.#export.run(wanted, options);
  }
}
