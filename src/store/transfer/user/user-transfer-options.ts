import type { SaveWishes } from "./file-saver.js";

/** A folder of this machine and a folder of keys. */
export interface FolderPair {
  readonly bucket: string;
  /** A folder of keys, with or without a slash at its end; empty for the whole bucket. */
  readonly prefix: string;
  /** Absolute. */
  readonly folder: string;
}

export interface FolderOptions {
  readonly signal: AbortSignal;
  /** Maps names that the other side refuses, as `escaped-names.ts` says. */
  readonly rename: boolean;
}

export interface PutFolderOptions extends FolderOptions, Omit<SaveWishes, "bucket"> {
  readonly follow: boolean;
}

export interface GetFolderOptions extends FolderOptions {
  readonly overwrite: boolean;
}

export interface SyncOptions extends FolderOptions {
  readonly saved_by: string;
  readonly follow: boolean;
  /** Deletes on the target side what the source side does not have. */
  readonly deletes: boolean;
  /** Whether to delete this many. Without it nothing asks. */
  readonly confirm?: ((count: number) => Promise<boolean>) | undefined;
  /** Changes nothing, and calls `onDryRun` with what it would do. */
  readonly isDry: boolean;
  readonly onDryRun?: (action: "copy" | "delete", name: string) => void;
}
