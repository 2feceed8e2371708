import type { ByteReader } from "./content-store.js";

/**
 * The files of one backup, in a folder that only one process writes to at a time. Names are relative to the folder, with
 * `/` between segments; folders in it are made when they are needed.
 *
 * @throws ArtifactError from every method, with the system's error as `cause`: `storage_full` if the disk of the backup
 * is full
 */
export interface BackupFiles {
  /** Begins a file. Until it is committed it has a hidden name, and is removed if the process dies. */
  create(): Promise<BackupDraft>;
  /** Opens a file. Undefined if there is none. */
  open(name: string): Promise<BackupFile | undefined>;
  /** The size of a file. Undefined if there is none. */
  bytesOf(name: string): Promise<number | undefined>;
  /** The names in a folder, in order; `""` is the backup itself. Hidden names are left out. Empty if there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Removes a file. One that is gone is no error. */
  remove(name: string): Promise<void>;
  /** When this has resolved, all names that were given and removed so far survive power loss. */
  sync(): Promise<void>;
}

export interface BackupFile extends ByteReader {
  readonly bytes: number;
}

/** The only writer of one file. After `write` or `commit` has thrown, only `discard` may be called. */
export interface BackupDraft {
  /** Appends all of `bytes`, which the caller may change after this has resolved. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the bytes durable, then gives the file its name in one step. A file that has the name is replaced. */
  commit(name: string): Promise<void>;
  /** Removes a file that was not committed. Does nothing after `commit`. */
  discard(): Promise<void>;
}
