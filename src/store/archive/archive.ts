import {
  ArchiveExport,
  type ArchiveExportDependencies,
  type ArchiveOptions,
  type ExportArchive,
  type ExportedArchive,
} from "./archive-export.js";
import {
  ArchiveImport,
  type ArchiveImportDependencies,
  type ImportArchive,
  type ImportedArchive,
} from "./archive-import.js";

export interface ArchiveDependencies extends ArchiveExportDependencies, ArchiveImportDependencies {}

/** Writes artifacts to a directory with a manifest, and reads such a directory. */
export class Archive {
  readonly #export: ArchiveExport;
  readonly #import: ArchiveImport;

  constructor(dependencies: ArchiveDependencies) {
    this.#export = new ArchiveExport(dependencies);
    this.#import = new ArchiveImport(dependencies);
  }

  /** @throws as `ArchiveExport.run` does */
  async export(wanted: ExportArchive, options: ArchiveOptions): Promise<ExportedArchive> {
    return this.#export.run(wanted, options);
  }

  /** @throws as `ArchiveImport.run` does */
  async import(wanted: ImportArchive, options: ArchiveOptions): Promise<ImportedArchive> {
    return this.#import.run(wanted, options);
  }
}
