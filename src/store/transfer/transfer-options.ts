export interface TransferOptions {
  /** Absolute paths of the directories that may be reached. */
  readonly allowed: readonly string[];
  readonly signal?: AbortSignal;
  /** Bytes done, all bytes, and for an import the upload that they go into. */
  readonly onProgress?: (done: number, total: number, session_id?: string) => void;
}

export interface FolderTransferOptions extends Omit<TransferOptions, "onProgress"> {
  readonly onProgress?: (progress: FolderProgress) => void;
}

/** How far the transfer of a folder is. */
export interface FolderProgress {
  readonly files: number;
  readonly totalFiles: number;
  readonly bytes: number;
  readonly totalBytes: number;
}
