import type { ArtifactStore } from "../artifacts/artifact-store.js";
import type { UploadSession } from "../model/upload-session.js";
import type { LocalFiles } from "../ports/local-files.js";
import type { Uploads } from "../uploads/uploads.js";
import { type ExportedFile, type ExportFile, FileExport } from "./file-export.js";
import { FileImport, type ImportFile } from "./file-import.js";
import { FileUpload } from "./file-upload.js";
import { type ExportedFolder, type ExportFolder, FolderExport } from "./folder-export.js";
import { FolderImport, type ImportedFolder } from "./folder-import.js";
import type { FolderTransferOptions, TransferOptions } from "./transfer-options.js";

export interface FileTransferDependencies {
  readonly files: LocalFiles;
  readonly uploads: Uploads;
  readonly artifacts: ArtifactStore;
  readonly maxChunkBytes: number;
}

/** Moves content of any size between the store and files and folders of this machine. */
export class FileTransfer {
  readonly #import: FileImport;
  readonly #export: FileExport;
  readonly #folderImport: FolderImport;
  readonly #folderExport: FolderExport;

  constructor(dependencies: FileTransferDependencies) {
    const { files, uploads, artifacts, maxChunkBytes } = dependencies;
    const fileUpload = new FileUpload(uploads, maxChunkBytes);
    this.#import = new FileImport(files, uploads, fileUpload);
    this.#export = new FileExport(files, artifacts);
    this.#folderImport = new FolderImport({ ...dependencies, fileUpload });
    this.#folderExport = new FolderExport(files, artifacts, this.#export);
  }

  /** @throws as `FileImport.run` does */
  async importFile(wanted: ImportFile, options: TransferOptions): Promise<UploadSession> {
    return this.#import.run(wanted, options);
  }

  /** @throws as `FileExport.run` does */
  async exportFile(wanted: ExportFile, options: TransferOptions): Promise<ExportedFile> {
    return this.#export.run(wanted, options);
  }

  /** Returns undefined if the path leads to no directory. @throws as `FolderImport.run` does */
  async importFolder(wanted: ImportFile, options: FolderTransferOptions): Promise<ImportedFolder | undefined> {
    return this.#folderImport.run(wanted, options);
  }

  /** @throws as `FolderExport.run` does */
  async exportFolder(wanted: ExportFolder, options: FolderTransferOptions): Promise<ExportedFolder> {
    return this.#folderExport.run(wanted, options);
  }
}
