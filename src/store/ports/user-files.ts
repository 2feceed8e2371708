import type { LocalFile } from "./local-files.js";

/**
 * The files of the person who runs a command: all that the process itself may reach, except the store's own directory.
 *
 * Paths are absolute. Names are relative to a directory, with `/` between segments. A byte of a name that is no UTF-8 is
 * a lone surrogate, U+DC00 plus the byte, so that each name of the system is one text.
 *
 * A file that is written appears under its name when it is whole and synced, or not at all. Until then its bytes are in a
 * hidden file beside it, whose name contains the digest. If the process dies, the next one that writes this file goes on
 * with it, or removes it. What only has such a name, like a symlink or a file of another user, stays and is not used.
 *
 * @throws ArtifactError from every method, with the system's error as `cause`
 */
export interface UserFiles {
  /** What a path leads to, symlinks followed. Undefined if there is nothing. The store's own directory is `other`. */
  look(path: string): Promise<FoundPlace | undefined>;
  /**
   * The entries below a directory, each directory in the order of its names. It holds the names of one directory at a
   * time. Hidden files of unfinished writes, and the store's own directory, are skipped.
   *
   * @throws ArtifactError `invalid_argument` if the directory itself cannot be read, or is in the store's own directory
   */
  walk(folder: string, options: WalkOptions): AsyncGenerator<WalkedEntry, void, undefined>;
  /** Opens a regular file for reading. @throws ArtifactError `invalid_argument` */
  open(path: string): Promise<LocalFile>;
  /** Reads files that have at most `maxBytes`, each as a whole, in the order of `paths`. */
  readSmall(paths: readonly string[], maxBytes: number): Promise<SmallRead[]>;
  /** Compares files with what they should be, in the order of `files`. */
  compare(files: readonly ExpectedFile[]): Promise<Comparison[]>;
  /**
   * Makes a directory and those above it, unless they exist, for files that are written next.
   *
   * @param top the directory that the person named. It may be a symlink; below it a symlink is no directory.
   */
  makeFolder(path: string, top: string): Promise<FolderResult>;
  /**
   * Writes small files into directories that `makeFolder` has made.
   *
   * @param overwrite replaces a file, whose permissions stay, or a symlink
   */
  writeSmall(files: readonly NewFile[], overwrite: boolean): Promise<WriteResult[]>;
  /** Begins a large file in a directory that `makeFolder` has made, or goes on with one that a dead process has left. */
  begin(file: ExpectedFile, overwrite: boolean): Promise<ResumableFile>;
  /** Removes hidden files that dead processes have left for a file that is there now, where the system permits it. */
  removeLeftovers(path: string): Promise<void>;
  /** Removes a file, and the directories above it that are empty then, up to `folder`. @returns why not, if it could not */
  remove(folder: string, name: string): Promise<string | undefined>;
  /** Makes the names of everything that was written or removed durable. */
  finish(): Promise<void>;
  /** Whether two names that differ only in case are one file in a directory. */
  foldsCase(folder: string): Promise<boolean>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/** A directory, a regular file, or something else, like `a socket` or a path that cannot be looked at. */
export interface FoundPlace {
  readonly kind: "folder" | "file" | "other";
  readonly what: string;
  readonly bytes: number;
}

export interface WalkOptions {
  /** Symlinks are followed. Otherwise they are skipped. */
  readonly follow: boolean;
}

/** A word for an entry that is skipped. `store` is the store's own directory, `unfinished` a hidden file of `get`. */
export type SkippedKind = "symlink" | "fifo" | "socket" | "device" | "store" | "unfinished" | "other";

export type WalkedEntry =
  | { readonly kind: "file"; readonly name: string }
  /** `what` it is in words, like `a symlink that leads to no file`. */
  | { readonly kind: "skipped"; readonly name: string; readonly is: SkippedKind; readonly what: string }
  /** A directory whose entries are not known. */
  | { readonly kind: "unread"; readonly name: string; readonly problem: string };

export type SmallRead =
  | { readonly kind: "read"; readonly bytes: Uint8Array; readonly sha256: string }
  /** It has more than `maxBytes`. */
  | { readonly kind: "large"; readonly size: number }
  | { readonly kind: "failed"; readonly problem: string };

export interface ExpectedFile {
  readonly path: string;
  readonly bytes: number;
  /** 64 lower-case hex. */
  readonly sha256: string;
}

/** `other` is a file with other content, or a symlink to one or to nothing. */
export type Comparison =
  | { readonly kind: "absent" | "same" | "other" }
  | { readonly kind: "failed"; readonly problem: string };

export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

export type WriteResult =
  | { readonly kind: "written" }
  /** The name was taken, and `overwrite` is false. */
  | { readonly kind: "taken" }
  | { readonly kind: "failed"; readonly problem: string; readonly isFull: boolean };

export type FolderResult =
  | { readonly kind: "ready"; readonly isNew: boolean }
  | { readonly kind: "failed"; readonly problem: string; readonly isFull: boolean };

/** `taken`: the name was taken, and `overwrite` is false. `lost`: somebody has removed the hidden file. Nothing stays. */
export type CommitResult = "written" | "taken" | "lost";

/** The only writer of one file. Exactly one of `commit`, `leave` and `discard` ends it. */
export interface ResumableFile {
  /** Bytes that are there already. Nobody has checked them. */
  readonly bytes: number;
  /** Reads bytes `[start, start + length)` of those that are there. */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Appends all of `bytes`. @throws ArtifactError `storage_full` */
  write(bytes: Uint8Array): Promise<void>;
  /** Gives the file its name, durably. If it fails, nothing stays, unless the disk is full: a later `begin` goes on then. */
  commit(): Promise<CommitResult>;
  /** Closes the hidden file and keeps it, so that a later `begin` goes on with it. */
  leave(): Promise<void>;
  /** Removes the hidden file. */
  discard(): Promise<void>;
}
