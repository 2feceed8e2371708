import type { FreedRow } from "../model/records.js";
import type { ContentStore } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { withReserve } from "./with-reserve.js";

export interface FreedPiecesDependencies {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly log: Log;
  /** How long a row whose pieces are removed waits for others, so that they go in one transaction. */
  readonly gatherMs: number;
}

/** So many are not gathered longer. */
const mostGathered = 32;

/** Removes the pieces that `freed` rows name, and then those rows: never before the removal is durable. */
export class FreedPieces {
  readonly #dependencies: FreedPiecesDependencies;
  /** By their keys: a sweep may see a row through that is waiting here. */
  #removed = new Map<string, FreedRow>();
  #timer: NodeJS.Timeout | undefined;
  #dropping: Promise<void> = Promise.resolve();

  constructor(dependencies: FreedPiecesDependencies) {
    this.#dependencies = dependencies;
  }

  /** The space is free once this resolves. What fails is logged, and left to the sweep. */
  async remove(row: FreedRow | undefined): Promise<void> {
    if (row === undefined) return;
    const { content, log } = this.#dependencies;
    await withReserve(content, () => this.removeOrThrow(row)).catch((error) =>
      log("warn", "pieces_left_behind", { row: row.key, error: String(error) }),
    );
  }

  /** The same, for who handles errors. */
  async removeOrThrow(row: FreedRow): Promise<void> {
    await this.#dependencies.content.remove(row.value.pieces);
    this.#removed.set(row.key, row);
    if (this.#removed.size >= mostGathered) this.#drop();
    else this.#timer ??= setTimeout(() => this.#drop(), this.#dependencies.gatherMs).unref();
  }

  /** Resolves once no row is left whose pieces were removed here. */
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
    // Each by itself where a sweep has dropped some.
    for (const attempt of [drops, ...drops.map((drop) => [drop])]) {
      if ((await metadata.change(attempt)) && attempt === drops) return;
    }
  }
}
