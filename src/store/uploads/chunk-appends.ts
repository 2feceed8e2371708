import { planAppend } from "../model/append-plan.js";
import { BoundedMap } from "../model/bounded-map.js";
import { maxOpenPieces } from "../model/limits.js";
import type { SessionRow } from "../model/records.js";
import { isFull, statusAt } from "../model/upload-session.js";
import type { StoreClock } from "../publication/store-clock.js";
import type { Appender } from "./appender.js";

/** Appends chunks, whose bytes are all there when the call comes. */
export class ChunkAppends {
  readonly #appender: Appender;
  readonly #clock: StoreClock;
  /** Sessions as this process's last append left them. Another process may have changed them since. */
  readonly #rows = new BoundedMap<SessionRow>(maxOpenPieces);

  constructor(appender: Appender, clock: StoreClock) {
    this.#appender = appender;
    this.#clock = clock;
  }

  /**
   * Returns the session when it has the bytes; it may be full and is not published.
   *
   * @throws ArtifactError as `planAppend` does; `too_large`, `storage_full`, `corrupt`
   */
  async append(id: string, offset: number, bytes: Uint8Array): Promise<SessionRow> {
    const next = await this.#appendNext(id, offset, bytes);
    if (next !== undefined) return next;
    for (;;) {
      const row = await this.#appender.current(id);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      this.#appender.checkArtifactBytes(offset + bytes.length);
      if (!(await this.#appender.isReplay(row, offset, bytes.subarray(0, overlap)))) continue;
      const now = overlap === bytes.length ? row : await this.#accept(row, bytes.subarray(overlap));
      if (now !== undefined) return now;
    }
  }

  /**
   * Whether all bytes of an append are stored already.
   *
   * @throws ArtifactError as `planAppend` does; `offset_conflict` if stored bytes differ from them
   */
  async isStored(id: string, offset: number, bytes: Uint8Array): Promise<boolean> {
    for (;;) {
      const row = await this.#appender.current(id);
      const { overlap } = planAppend(row.value, offset, bytes.length);
      const isSame = await this.#appender.isReplay(row, offset, bytes.subarray(0, overlap));
      if (isSame) return overlap === bytes.length;
    }
  }

  /** The next append to this session reads its row. */
  forget(id: string): void {
    this.#rows.delete(id);
  }

  /**
   * Appends to the row that this process's last append left, so that appends in sequence do not read the session. The
   * change compares that row, and is not made if the row is out of date.
   *
   * @returns undefined if the change was not made, or if this append does not follow the last one
   */
  async #appendNext(id: string, offset: number, bytes: Uint8Array): Promise<SessionRow | undefined> {
    const row = this.#rows.get(id);
    const end = offset + bytes.length;
    const isNext =
      row !== undefined &&
      row.value.offset === offset &&
      bytes.length > 0 &&
      (row.value.size === null || end <= row.value.size) &&
      statusAt(row.value, this.#clock.nowSeconds()) === "open";
    if (!isNext) return undefined;
    this.#appender.checkArtifactBytes(end);
    return this.#accept(row, bytes);
  }

  /** Makes bytes durable and then counts them. Returns undefined if another call changed the session first. */
  async #accept(row: SessionRow, bytes: Uint8Array): Promise<SessionRow | undefined> {
    this.#rows.delete(row.value.id);
    const now = await this.#appender.append(row, bytes);
    if (now !== undefined && !isFull(now.value)) this.#rows.set(now.value.id, now);
    return now;
  }
}
