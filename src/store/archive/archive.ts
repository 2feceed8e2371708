import { gonePrefix } from "../model/records.js";
import { artifactPrefix } from "../model/row-keys.js";
import type { ArchiveExportDependencies, ArchiveOptions, ExportArchive, ExportedArchive } from "./archive-export.js";
import type { ArchiveImportDependencies, ImportArchive, ImportedArchive } from "./archive-import.js";

export interface ArchiveDependencies extends ArchiveExportDependencies, ArchiveImportDependencies {}

/**
 * Writes artifacts to a directory with a manifest, and reads such a directory. The code and its schemas are loaded when
 * they are used: a server starts without them.
 */
export class Archive {
  readonly #dependencies: ArchiveDependencies;

  constructor(dependencies: ArchiveDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws as `ArchiveExport.run` does */
  async export(wanted: ExportArchive, options: ArchiveOptions): Promise<ExportedArchive> {
    const { ArchiveExport } = await import("./archive-export.js");
    return new ArchiveExport(this.#dependencies).run(wanted, options);
  }

  /** @throws as `ArchiveImport.run` does */
  async import(wanted: ImportArchive, options: ArchiveOptions): Promise<ImportedArchive> {
    const { ArchiveImport } = await import("./archive-import.js");
    return new ArchiveImport(this.#dependencies).run(wanted, options);
  }

  /** Whether an artifact was ever saved. It may be deleted by now. */
  async hasBeenUsed(): Promise<boolean> {
    for (const prefix of [artifactPrefix, gonePrefix]) {
      if ((await this.#dependencies.metadata.range(prefix, { limit: 1 })).length > 0) return true;
    }
    return false;
  }
}
