import type { Fault, VerifyOptions, VerifyReport } from "./verify-report.js";

/** The report of a verification while it is made. */
export class VerifyFindings {
  readonly faults: Fault[] = [];
  readonly counts = { artifacts: 0, versions: 0, bytes: 0, unfinished_uploads: 0 };
  /** Bytes of all versions whose rows were read. */
  totalBytes = 0;
  /** Whether all rows could be read. If not, a file that looks like an orphan may have an owner. */
  knowsOwners = true;
  readonly #onProgress: VerifyOptions["onProgress"];

  constructor({ onProgress }: VerifyOptions) {
    this.#onProgress = onProgress;
  }

  get report(): VerifyReport {
    return { ...this.counts, faults: this.faults };
  }

  /** Whether rows and content belong together: nothing is missing or corrupt. */
  get isSound(): boolean {
    return this.faults.every(({ kind }) => kind !== "missing" && kind !== "corrupt");
  }

  /** @param bytes that were read since the last call */
  addBytes(bytes: number): void {
    this.counts.bytes += bytes;
    this.#onProgress?.(this.counts.bytes, Math.max(this.totalBytes, this.counts.bytes));
  }
}
