import type { LocalFile, LocalTarget } from "./local-files.js";

/** The directories of this machine to which exports are written. */
export interface ArchiveFolders {
  /** @param path absolute. Nothing is read or made yet. */
  at(path: string): ArchiveFolder;
}

/**
 * One directory that holds an export, or will. Files have names relative to it, with `/` between segments. No call
 * reaches anything outside of it; symlinks in it are followed only inside.
 *
 * @throws ArtifactError from every method, with the system's error as `cause`
 */
export interface ArchiveFolder {
  /** Absolute. */
  readonly path: string;
  /**
   * The names of everything below the directory that is no directory, in the order of their UTF-8 bytes. Undefined if
   * the directory does not exist and can be made.
   *
   * @throws ArtifactError `invalid_argument` if it cannot be used, or the directory above it does not exist
   */
  list(): Promise<string[] | undefined>;
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
