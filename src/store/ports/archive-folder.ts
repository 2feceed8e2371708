import type { LocalFile, LocalTarget } from "./local-files.js";

/** The directories of this machine to which exports are written. */
export interface ArchiveFolders {
  /** @param path absolute. Nothing is read or made yet. */
  at(path: string): ArchiveFolder;
}

/** While it is held, no other process writes an export to the directory. */
export interface ArchiveClaim {
  release(): Promise<void>;
}

/**
 * One directory that holds an export, or will. Files have names relative to it, with `/` between segments. No call
 * reaches anything outside of it; symlinks in it are followed only inside.
 *
 * @throws ArtifactError from every method, with the system's error as `cause`. If its details have `disk`, the disk of the
 * directory is full or read-only, and no other file can be written to it
 */
export interface ArchiveFolder {
  /** Absolute. */
  readonly path: string;
  /**
   * Claims the directory for one export, until `release` or until the process ends. Makes the directory. Undefined if
   * another process has claimed it.
   */
  claim(): Promise<ArchiveClaim | undefined>;
  /**
   * The names of everything below the directory that is no directory, in the order of their UTF-8 bytes. Undefined if
   * the directory does not exist and can be made.
   *
   * @param check gets the names in each directory before those further down are read. If it throws, the list ends
   * @throws ArtifactError `invalid_argument` if it cannot be used, the directory above it does not exist, or one below it
   * cannot be read
   */
  list(check: (names: readonly string[]) => void): Promise<string[] | undefined>;
  /** @throws ArtifactError as `LocalFiles.open` */
  open(name: string): Promise<LocalFile>;
  /**
   * Begins a file that appears when it is whole, as `LocalFiles.create` does. Makes the directories above it.
   *
   * @throws ArtifactError as `LocalFiles.create`
   */
  create(name: string, overwrite: boolean): Promise<LocalTarget>;
  /** Removes a file, if it is there, and the directories above it that are empty then. */
  remove(name: string): Promise<void>;
}

/** For a process that exports nothing. */
export const noArchiveFolders: ArchiveFolders = {
  at() {
    throw new Error("this process was started without folders for exports");
  },
};
