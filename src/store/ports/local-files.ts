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
  /**
   * Lists the regular files below a directory, hidden ones too. Returns undefined if the path leads to no directory.
   *
   * A symlink below the directory is followed if it leads to a file or directory that the call may reach. What is
   * neither a reachable file nor a reachable directory is skipped. The list is not a snapshot: each file is checked
   * again when it is opened.
   *
   * @param path absolute; may be an allowed directory itself, and may end with a separator
   * @throws ArtifactError `path_not_allowed`; `invalid_argument` if there is too much below the directory, or if a
   * directory in it cannot be read
   */
  list(path: string, allowed: readonly string[]): Promise<LocalFolder | undefined>;
  /**
   * Makes a directory, unless it exists, and in it the directories of files that will be created. Before it makes
   * anything, it checks that all these files can be created. When it has resolved, the directories survive power loss.
   *
   * @param path absolute; the directory above it must exist. It may be an allowed directory itself
   * @param names of the files, relative to the directory, with `/` between segments
   * @param overwrite whether files with these names may exist
   * @returns the real path of the directory
   * @throws ArtifactError `path_not_allowed`; `invalid_argument` if a name is taken, or is none that this machine takes
   */
  makeFolder(path: string, allowed: readonly string[], names: readonly string[], overwrite: boolean): Promise<string>;
}

/** The files below a directory, in the order of their names. */
export interface LocalFolder {
  /** The real path of the directory, with symlinks resolved. */
  readonly path: string;
  readonly files: readonly ListedFile[];
  readonly skipped: readonly SkippedEntry[];
}

export interface ListedFile {
  /** Relative to the directory, with `/` between segments. */
  readonly name: string;
  /** The file's size when it was listed. */
  readonly bytes: number;
  /** Why the file cannot be opened by this name, like `its name is not UTF-8`; absent if it can. */
  readonly problem?: string;
}

export interface SkippedEntry {
  /** Relative to the directory, with `/` between segments. */
  readonly name: string;
  /** What it is, like `a socket`. */
  readonly kind: string;
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
