import { gonePrefix } from "../model/records.js";
import { artifactPrefix } from "../model/row-keys.js";
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
  readonly #metadata: ArchiveDependencies["metadata"];

  constructor(dependencies: ArchiveDependencies) {
    this.#metadata = dependencies.metadata;
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

  /** Whether an artifact was ever saved. It may be deleted by now. */
  async hasBeenUsed(): Promise<boolean> {
    for (const prefix of [artifactPrefix, gonePrefix]) {
      if ((await this.#metadata.range(prefix, { limit: 1 })).length > 0) return true;
    }
    return false;
  }
}
