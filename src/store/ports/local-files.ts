/**
 * Files of this machine that are not the store's: read by import_file, written by export_file. Each call says in which
 * directories it may: `allowed` are absolute paths, each standing for where it really leads. A path is judged by where
 * it really leads too, symlinks followed; nothing of what lies elsewhere can be told from an answer.
 *
 * @throws ArtifactError from every method, with the system's error as `cause`
 */
export interface LocalFiles {
  /**
   * Opens a regular file to read it.
   *
   * @param path absolute
   * @throws ArtifactError `path_not_allowed`; `invalid_argument` where there is no such file, or none to be read
   */
  open(path: string, allowed: readonly string[]): Promise<LocalFile>;
  /**
   * Begins a file that is seen under its name when it is whole: until `commit`, the bytes are in a hidden file beside it.
   *
   * @param path absolute; its directory is there already
   * @param overwrite replace what has this name, where that is a file or a symlink; the symlink is never followed
   * @throws ArtifactError `path_not_allowed`; `invalid_argument` where the name is taken, or no such file can be made
   */
  create(path: string, allowed: readonly string[], overwrite: boolean): Promise<LocalTarget>;
}

export interface LocalFile {
  /** Where it really is. */
  readonly path: string;
  /** Its size when it was opened. */
  readonly bytes: number;
  /**
   * Bytes `[start, start + length)`, fewer where the file ends before.
   *
   * @param into a buffer of `length` or more, that they may be put into
   */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Whether size, time of modification and time of change are those of when it was opened. */
  isUnchanged(): Promise<boolean>;
  close(): Promise<void>;
}

/** The one writer of one file. After `write` or `commit` has thrown, only `discard` may be called. */
export interface LocalTarget {
  /** Where it will be. */
  readonly path: string;
  /**
   * Appends all of `bytes`.
   *
   * @throws ArtifactError `storage_full`
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * The file is there under its name, whole, and survives power loss once this resolves. It never replaces a file
   * unless `overwrite` was true.
   *
   * @throws ArtifactError `invalid_argument` where the name was taken meanwhile; `path_not_allowed`; `storage_full`
   */
  commit(): Promise<void>;
  /** Leaves nothing of a file that was not committed; does nothing once it was. */
  discard(): Promise<void>;
}
