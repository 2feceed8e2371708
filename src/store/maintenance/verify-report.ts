/**
 * The kinds of faults:
 * - `corrupt`: bytes or a row are not what they were
 * - `missing`: bytes that a row names are gone
 * - `orphan`: no row names a file, or a piece in a row
 * - `unlisted`: no listing shows an upload
 * - `index`: the index of artifacts differs from the rows
 */
export type FaultKind = "corrupt" | "missing" | "orphan" | "unlisted" | "index";

/** What the operator can do about a fault. */
export type FaultNext =
  | "restore_database"
  /** Or repair, which moves the row out of the store. */
  | "restore_row"
  | "restore_or_delete_version"
  | "abort_upload"
  | "repair"
  /** The file may have an owner among the rows that cannot be read, so repair leaves it where it is. */
  | "repair_rows_first";

export interface Fault {
  readonly kind: FaultKind;
  readonly bucket?: string;
  readonly key?: string;
  readonly version?: number;
  readonly session_id?: string;
  /** The metadata row that is wrong. */
  readonly row?: string;
  /** The file that is wrong, relative to the data directory. */
  readonly path?: string;
  readonly message: string;
  readonly next: FaultNext;
  /** Whether this run has repaired it. */
  readonly repaired: boolean;
}

/** The faults, how many records were checked, and how many bytes of content were read. */
export interface VerifyReport {
  readonly artifacts: number;
  readonly versions: number;
  readonly bytes: number;
  readonly unfinished_uploads: number;
  readonly faults: readonly Fault[];
}

export interface VerifyOptions {
  /**
   * Moves orphans, and rows that cannot be read, out of the store into its folder `orphans`. Lists unlisted uploads
   * again. Makes a wrong index again. Missing and corrupt content stays as it is: nothing that a row names is removed.
   */
  readonly repair?: boolean;
  /** A file is an orphan only if it is older; `orphanGraceMs` by default. */
  readonly graceMs?: number;
  /** Called with the bytes that were read, and the bytes of all versions. */
  readonly onProgress?: (done: number, total: number) => void;
}
