export interface TransferOptions {
  /** Absolute paths of the directories that may be reached. */
  readonly allowed: readonly string[];
  readonly signal?: AbortSignal;
  /** Bytes done, all bytes, and for an import the upload that they go into. */
  readonly onProgress?: (done: number, total: number, session_id?: string) => void;
  /** An upload goes on that has these bytes already; 0 if that failed and it begins again. */
  readonly onContinue?: (bytes: number) => void;
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
