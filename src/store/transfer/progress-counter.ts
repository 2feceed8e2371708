import type { FolderProgress, FolderTransferOptions } from "./transfer-options.js";

/** Counts the files and bytes of one folder, and reports each step. */
export class ProgressCounter {
  readonly #onProgress: FolderTransferOptions["onProgress"];
  #progress: FolderProgress;

  constructor(sizes: readonly { readonly bytes: number }[], onProgress: FolderTransferOptions["onProgress"]) {
    this.#onProgress = onProgress;
    const totalBytes = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#progress = { files: 0, totalFiles: sizes.length, bytes: 0, totalBytes };
  }

  /** Files that are done. */
  get files(): number {
    return this.#progress.files;
  }

  /** Begins a file. The result takes how many of its bytes are done. If the file is begun again, none counts twice. */
  begin(): (done: number) => void {
    let most = 0;
    return (done) => {
      if (done <= most) return;
      this.#add(0, done - most);
      most = done;
    };
  }

  finishFile(): void {
    this.#add(1, 0);
  }

  #add(files: number, bytes: number): void {
    const { files: filesDone, bytes: bytesDone } = this.#progress;
    this.#progress = { ...this.#progress, files: filesDone + files, bytes: bytesDone + bytes };
    this.#onProgress?.(this.#progress);
  }
}
