import { ArtifactError } from "../model/errors.js";
import { parseRestoreRow, type RestoreRecord, restoreKey } from "../model/records.js";
import type { MetadataStore, StoredRow } from "../ports/metadata-store.js";
import type { Change } from "../rows.js";
import { backedUpPrefixes } from "./backup-records.js";

/**
 * The right of one process to restore a backup into a store, as the row `restore`. Each change of the restore compares the
 * row. So when another process has taken the restore over, this one changes nothing more.
 */
export class RestoreClaim {
  /** The digest of the backup's records. */
  readonly records: string;
  /** An earlier process began the restore, and may have left pieces that no row names. */
  readonly isResumed: boolean;
  /** An earlier process has written all records. */
  readonly isWritten: boolean;
  readonly #metadata: MetadataStore;
  #row: StoredRow;

  private constructor(
    metadata: MetadataStore,
    row: StoredRow,
    { records, is_written }: RestoreRecord,
    isResumed: boolean,
  ) {
    this.#metadata = metadata;
    this.#row = row;
    this.records = records;
    this.isResumed = isResumed;
    this.isWritten = is_written === true;
  }

  /** The row as this process has written it. */
  get row(): StoredRow {
    return this.#row;
  }

  /**
   * Begins a restore into an empty store, or takes over one of the same backup that has not ended.
   *
   * @param records the digest of the backup's records
   * @throws ArtifactError `invalid_argument` if the store is not empty
   */
  static async take(metadata: MetadataStore, records: string, newRevision: () => string): Promise<RestoreClaim> {
    for (;;) {
      const old = await metadata.get(restoreKey);
      if (old === undefined) await checkEmpty(metadata);
      const found = old === undefined ? { records } : parseRestoreRow({ key: restoreKey, text: old }).value;
      if (found.records !== records) throw otherRestore();
      const text = JSON.stringify({ ...found, revision: newRevision() });
      const isTaken = await metadata.change([{ key: restoreKey, old, next: text }]);
      if (isTaken) return new RestoreClaim(metadata, { key: restoreKey, text }, found, old !== undefined);
    }
  }

  /** @throws ArtifactError `invalid_argument` if another process has taken the restore over */
  async check(): Promise<void> {
    if ((await this.#metadata.get(restoreKey)) === this.row.text) return;
    throw new ArtifactError("invalid_argument", "Another process restores the same backup into this store now.");
  }

  /**
   * Makes a change, and notes with it that all records are in the store.
   *
   * @returns whether it was made. If not, a row of the change is another one now
   * @throws ArtifactError as `check`
   */
  async write(change: Change): Promise<boolean> {
    const row = change.replace(this.#row, { records: this.records, is_written: true });
    const isMade = await change.commit(async () => (await this.#metadata.get(row.key)) === row.text || undefined);
    if (isMade) this.#row = row;
    else await this.check();
    return isMade;
  }

  /** Ends the restore. @throws ArtifactError as `check` */
  async release(): Promise<void> {
    const { key, text } = this.row;
    if (!(await this.#metadata.change([{ key, old: text, next: undefined }]))) await this.check();
  }
}

async function checkEmpty(metadata: MetadataStore): Promise<void> {
  for (const prefix of backedUpPrefixes) {
    if ((await metadata.range(prefix, { limit: 1 })).length === 0) continue;
    const message =
      "The store is not empty, and a backup is restored only into an empty store: give another data directory.";
    throw new ArtifactError("invalid_argument", message);
  }
}

function otherRestore(): ArtifactError {
  const message =
    "A restore of another backup into this store has not ended: restore that one, or give another data directory.";
  return new ArtifactError("invalid_argument", message);
}
