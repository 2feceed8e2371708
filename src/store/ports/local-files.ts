/**
 * Local files outside the store, for imports and exports. Each call names the directories that it may use: `allowed`
 * are absolute paths. Symlinks are followed, in these directories and in the path, and the real places are compared. No
 * answer tells anything about what lies outside the allowed directories.
 *
 * @throws ArtifactError from every method, with the system's error as `cause`
 */
export interface LocalFiles {
  /**
   * Opens a regular file for reading.
   *
   * @param path absolute
   * @throws ArtifactError `path_not_allowed`; `invalid_argument` if the file does not exist or cannot be read
   */
  open(path: string, allowed: readonly string[]): Promise<LocalFile>;
  /**
   * Begins a file that appears under its name only when it is whole. Until `commit`, the bytes are in a hidden file in
   * the same directory.
   *
   * @param path absolute; its directory must exist
   * @param overwrite replace a file or symlink that has this name; the symlink is never followed
   * @throws ArtifactError `path_not_allowed`; `invalid_argument` if the name is taken or the file cannot be made
   */
  create(path: string, allowed: readonly string[], overwrite: boolean): Promise<LocalTarget>;
}

export interface LocalFile {
  /** The real path, with symlinks resolved. */
  readonly path: string;
  /** The file's size when it was opened. */
  readonly bytes: number;
  /**
   * Bytes `[start, start + length)`, or fewer if the file ends before.
   *
   * @param into a buffer of at least `length` bytes that may be used for the result
   */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Whether size, modification time and change time are the same as when the file was opened. */
  isUnchanged(): Promise<boolean>;
  close(): Promise<void>;
}

/** The only writer of one file. After `write` or `commit` has thrown, only `discard` may be called. */
export interface LocalTarget {
  /** The path that the file will have. */
  readonly path: string;
  /**
   * Appends all of `bytes`.
   *
   * @throws ArtifactError `storage_full`
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Gives the file its name. When this has resolved, the whole file survives power loss. Never replaces a file unless
   * `overwrite` was true.
   *
   * @throws ArtifactError `invalid_argument` if the name was taken meanwhile; `path_not_allowed`; `storage_full`
   */
  commit(): Promise<void>;
  /** Removes a file that was not committed. Does nothing after `commit`. */
  discard(): Promise<void>;
}
