import { type VerifyDependencies, verify } from "../maintenance/verify.js";
import type { BackupFiles } from "../ports/backup-files.js";
import type { BackupDependencies, BackupOptions, BackupReport } from "./backup.js";
import type { RestoreDependencies, RestoreOptions, RestoreReport } from "./restore.js";

export interface Backups {
  /** Backs the store up while others use it. @throws ArtifactError as `backUp` */
  backUp(files: BackupFiles, options?: BackupOptions): Promise<BackupReport>;
  /** Restores a backup into this store, which must be empty. @throws ArtifactError as `restore` */
  restore(files: BackupFiles, options?: RestoreOptions): Promise<RestoreReport>;
}

/** The code and its schemas are loaded when they are used: a server starts without them. */
export function createBackups(
  dependencies: BackupDependencies & Omit<RestoreDependencies, "verify"> & VerifyDependencies,
): Backups {
  return {
    async backUp(files, options) {
      const { backUp } = await import("./backup.js");
      return backUp(dependencies, files, options);
    },
    async restore(files, options) {
      const { restore } = await import("./restore.js");
      return restore({ ...dependencies, verify: () => verify(dependencies) }, files, options);
    },
  };
}
