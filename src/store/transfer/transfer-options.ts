export interface TransferOptions {
  /** Absolute paths of the directories that may be reached. */
  readonly allowed: readonly string[];
  readonly signal?: AbortSignal;
  /** Bytes done, all bytes, and for an import the upload that they go into. */
  readonly onProgress?: (done: number, total: number, session_id?: string) => void;
}
