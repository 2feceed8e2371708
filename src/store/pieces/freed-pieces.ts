import type { FreedRow } from "../model/records.js";
import type { ContentStore } from "../ports/content-store.js";
import type { DerivedStore } from "../ports/derived-store.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { withReserve } from "./with-reserve.js";

export interface FreedPiecesDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly derived: DerivedStore;
  readonly log: Log;
  /** How long the row of removed pieces waits for more such rows, which are then deleted in one transaction. */
  readonly gatherMs: number;
}

/** When this many rows wait, they are deleted at once. */
const maxGathered = 32;

/** Removes the pieces that `freed` rows name. Deletes the rows after that, never before the removal is durable. */
export class FreedPieces {
  readonly #dependencies: FreedPiecesDependencies;
  /** Rows whose pieces are removed, by their keys. A sweep may pass a row that is already waiting here. */
  #removed = new Map<string, FreedRow>();
  #timer: NodeJS.Timeout | undefined;
  #dropping: Promise<void> = Promise.resolve();

  constructor(dependencies: FreedPiecesDependencies) {
    this.#dependencies = dependencies;
  }

  /** Removes the pieces of a row. Their space is free when this resolves. A failure is logged and left to the sweep. */
  async remove(row: FreedRow | undefined): Promise<void> {
    if (row === undefined) return;
    const { content, log } = this.#dependencies;
    await withReserve(content, () => this.removeOrThrow(row)).catch((error) =>
      log("warn", "pieces_left_behind", { row: row.key, error: String(error) }),
    );
  }

  /** Removes the pieces of a row, and what was derived from them. Throws if a piece cannot be removed. */
  async removeOrThrow(row: FreedRow): Promise<void> {
    const { content, derived } = this.#dependencies;
    const { pieces, sha256 = [] } = row.value;
    await content.remove(pieces);
    // If another version has the same content, it is only derived again.
    await Promise.all(sha256.map((digest) => derived.remove(digest)));
    this.#removed.set(row.key, row);
    if (this.#removed.size >= maxGathered) this.#drop();
    else this.#timer ??= setTimeout(() => this.#drop(), this.#dependencies.gatherMs).unref();
  }

  /** Deletes the waiting rows. Resolves when no row is left whose pieces were removed here. */
  async flush(): Promise<void> {
    this.#drop();
    await this.#dropping;
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const rows = [...this.#removed.values()];
    this.#removed = new Map();
    if (rows.length === 0) return;
    const { log } = this.#dependencies;
    this.#dropping = this.#dropping
      .then(() => this.#dropRows(rows))
      .catch((error) => log("debug", "freed_rows_left_behind", { error: String(error) }));
  }

  async #dropRows(rows: readonly FreedRow[]): Promise<void> {
    const { metadata } = this.#dependencies;
    const drops = rows.map(({ key, text }) => ({ key, old: text, next: undefined }));
    // If a sweep has deleted one of the rows, the change of all fails, and each row is tried alone.
    for (const attempt of [drops, ...drops.map((drop) => [drop])]) {
      if ((await metadata.change(attempt)) && attempt === drops) return;
    }
  }
}
