import { type VerifyDependencies, verify } from "../maintenance/verify.js";
import type { BackupFiles } from "../ports/backup-files.js";
import { type BackupDependencies, type BackupOptions, type BackupReport, backUp } from "./backup.js";
import { type RestoreDependencies, type RestoreOptions, type RestoreReport, restore } from "./restore.js";

export interface Backups {
  /** Backs the store up while others use it. @throws ArtifactError as `backUp` */
  backUp(files: BackupFiles, options?: BackupOptions): Promise<BackupReport>;
  /** Restores a backup into this store, which must be empty. @throws ArtifactError as `restore` */
  restore(files: BackupFiles, options?: RestoreOptions): Promise<RestoreReport>;
}

export function createBackups(
  dependencies: BackupDependencies & Omit<RestoreDependencies, "verify"> & VerifyDependencies,
): Backups {
  return {
    backUp: (files, options) => backUp(dependencies, files, options),
    restore: (files, options) => restore({ ...dependencies, verify: () => verify(dependencies) }, files, options),
  };
}
