import type { SkippedKind } from "../../ports/user-files.js";

export interface JobEvents {
  /** Something was skipped, or could not be done: its name and why. */
  readonly onProblem?: (name: string, problem: string) => void;
  readonly onProgress?: (progress: JobProgress) => void;
}

/** What is done so far. */
export interface JobProgress {
  readonly files: number;
  readonly bytes: number;
  /** Undefined if it is not known. */
  readonly totalBytes?: number | undefined;
}

export interface FailedEntry {
  readonly name: string;
  readonly message: string;
}

export interface SkippedFile extends FailedEntry {
  readonly kind: SkippedKind;
}

/** What a job on many files has done. */
export class JobReport implements JobProgress {
  /** Files whose content is on the other side now: changed and unchanged ones. */
  files = 0;
  /** Bytes of these files. */
  bytes = 0;
  /** Files that were saved or written. */
  changed = 0;
  /** Files whose content was there already. */
  unchanged = 0;
  deleted = 0;
  /** The bytes of the last large file that a killed job had moved already. */
  continuedAt = 0;
  /** Bytes of all files of the job, if they are known. */
  totalBytes: number | undefined;
  readonly skipped: SkippedFile[] = [];
  readonly failed: FailedEntry[] = [];
  readonly #events: JobEvents;
  /** Bytes of files that are not done. */
  #partial = 0;

  constructor(events: JobEvents) {
    this.#events = events;
  }

  done(bytes: number, isChanged: boolean): void {
    this.files += 1;
    this.bytes += bytes;
    if (isChanged) this.changed += 1;
    else this.unchanged += 1;
    this.#show();
  }

  /** @param message what it is, in words */
  skip(name: string, kind: SkippedKind, message: string): void {
    this.skipped.push({ name, kind, message });
    this.#events.onProblem?.(name, `skipped: ${message}`);
  }

  fail(name: string, message: string): void {
    this.failed.push({ name, message });
    this.#events.onProblem?.(name, message);
  }

  /** Begins a large file. The result takes how many of its bytes are done, and 0 at its end. */
  begin(): (done: number) => void {
    let last = 0;
    return (done) => {
      this.#partial += done - last;
      last = done;
      this.#show();
    };
  }

  #show(): void {
    const { files, totalBytes } = this;
    this.#events.onProgress?.({ files, bytes: this.bytes + this.#partial, totalBytes });
  }
}
