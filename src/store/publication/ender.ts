import { hasVersion, openKey, type SessionRow, uploadKey, type Version } from "../model/records.js";
import { ended, isUnfinished } from "../model/upload-session.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import type { Staging } from "../pieces/staging.js";
import { withReserve } from "../pieces/with-reserve.js";
import type { ContentStore } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { type KeyRows, lastNumber, type Rows } from "../rows.js";
import type { ChangeSignal } from "./change-signal.js";
import { versionsOf } from "./key-versions.js";
import { logChange } from "./log-change.js";

export interface EnderDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly staging: Staging;
  readonly freed: FreedPieces;
  readonly signal: ChangeSignal;
  readonly log: Log;
  readonly nowSeconds: () => number;
}

type Choose = (rows: KeyRows) => readonly Version[];

/** Ends sessions without publishing them, and deletes versions. Each is one change. The pieces are removed after it. */
export class Ender {
  readonly #dependencies: EnderDependencies;

  constructor(dependencies: EnderDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Ends a session and returns its row. If the session has ended already, returns that row. A session that is to expire
   * is left as it is if its row has changed since `first`, because its time may have been extended. Returns undefined
   * if the row is gone.
   */
  async end(first: SessionRow, status: "aborted" | "expired"): Promise<SessionRow | undefined> {
    const { rows, content, staging, freed } = this.#dependencies;
    const { id } = first.value;
    for (let row: SessionRow | undefined = first; row !== undefined; row = await rows.session(id)) {
      if (!isUnfinished(row.value)) return row;
      if (status === "expired" && row.text !== first.text) return row;
      const current = row;
      await staging.release(id);
      const done = await withReserve(content, () => this.#tryToEnd(current, status));
      if (done === undefined) continue;
      await freed.remove(done.freed);
      return done.next;
    }
    return undefined;
  }

  async #tryToEnd(row: SessionRow, status: "aborted" | "expired") {
    const { rows, nowSeconds } = this.#dependencies;
    const { id, pieces } = row.value;
    const index = await rows.openRow(row.value);
    const change = rows.begin();
    const next = change.session(row, ended(row.value, status, nowSeconds()));
    change.closeSession(row.value, index);
    const freed = change.free([{ session: id, pieces }]);
    return (await change.commit()) ? { next, freed } : undefined;
  }

  /**
   * Deletes the row of a session that has ended, and its index rows. Returns the number of deleted rows; 0 if the row
   * has changed.
   */
  async forget(row: SessionRow): Promise<number> {
    const { rows, metadata } = this.#dependencies;
    const { bucket, key, id } = row.value;
    const index = await metadata.getMany([uploadKey(bucket, key, id), openKey(row.value)]);
    const change = rows.begin();
    change.dropSession(row);
    change.unlistSession(row.value, index[0]);
    change.closeSession(row.value, index[1]); // there is none, unless a row was repaired or restored meanwhile
    return (await change.commit()) ? 1 + index.filter((text) => text !== undefined).length : 0;
  }

  /** Stops listing a session that has ended. Its row stays until the sweep deletes it. */
  async hide(row: SessionRow): Promise<void> {
    const { rows, metadata } = this.#dependencies;
    const { bucket, key, id } = row.value;
    for (let now: SessionRow | undefined = row; now?.value.is_listed; now = await rows.session(id)) {
      const index = await metadata.get(uploadKey(bucket, key, id));
      const change = rows.begin();
      change.session(now, { ...now.value, is_listed: false });
      change.unlistSession(now.value, index);
      if (await change.commit()) return;
    }
  }

  /**
   * Deletes versions of a key and returns them. When this resolves, the deletion survives power loss and the space is
   * free.
   *
   * @param choose returns the versions to delete, or none. It gets the rows of the key and may be called several times.
   * What it has returned last is deleted
   * @param by who deletes, for the log
   */
  async deleteVersions(bucket: string, key: string, choose: Choose, by?: string): Promise<readonly Version[]> {
    const { content, freed, signal, log } = this.#dependencies;
    const done = await withReserve(content, () => this.#tryToDelete(bucket, key, choose));
    if (done.going.length === 0) return [];
    logChange(log, "deleted", { bucket, key, versions: done.going, by });
    signal.announce();
    await freed.remove(done.freed);
    return done.going;
  }

  async #tryToDelete(bucket: string, key: string, choose: Choose) {
    const { rows } = this.#dependencies;
    for (;;) {
      const keyRows = await rows.ofKey(bucket, key);
      const going = choose(keyRows);
      if (going.length === 0) return { going, freed: undefined };
      const versions = versionsOf(keyRows).filter((version) => !going.includes(version));
      const change = rows.begin();
      change.versions(bucket, key, keyRows, { last: lastNumber(keyRows), versions });
      const freed = change.free(going);
      const isDone = await change.commit(async () => {
        const now = await rows.artifact(bucket, key);
        return going.some((version) => hasVersion(now, version)) ? undefined : true;
      });
      if (isDone) return { going, freed };
    }
  }
}
