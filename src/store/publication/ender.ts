import { type SessionRow, uploadKey, type Version, versionOf } from "../model/records.js";
import { ended, isUnfinished } from "../model/upload-session.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import type { Staging } from "../pieces/staging.js";
import { withReserve } from "../pieces/with-reserve.js";
import type { ContentStore } from "../ports/content-store.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import { lastNumber, type Rows } from "../rows.js";
import type { ChangeSignal } from "./change-signal.js";
import { versionsOf } from "./key-versions.js";

export interface EnderDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly staging: Staging;
  readonly freed: FreedPieces;
  readonly signal: ChangeSignal;
  readonly nowSeconds: () => number;
}

/** Ends sessions without publishing them, and deletes versions. Each is one change; the pieces are removed behind it. */
export class Ender {
  readonly #dependencies: EnderDependencies;

  constructor(dependencies: EnderDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * The session's last row, which is another one if somebody else has ended it. One that is to expire and has changed
   * meanwhile is left as it is: its time may have been moved on.
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
    const change = rows.begin();
    const next = change.session(row, ended(row.value, status, nowSeconds()));
    const freed = change.free([{ session: id, pieces }]);
    return (await change.commit()) ? { next, freed } : undefined;
  }

  /** The row of a session that has ended goes, with its index row. How many rows went; none if it has changed. */
  async forget(row: SessionRow): Promise<number> {
    const { rows, metadata } = this.#dependencies;
    const { bucket, key, id } = row.value;
    const index = await metadata.get(uploadKey(bucket, key, id));
    const change = rows.begin();
    change.dropSession(row);
    if (index !== undefined) change.unlistSession(row.value, index);
    return (await change.commit()) ? (index === undefined ? 1 : 2) : 0;
  }

  /** A session that has ended is not shown any more. Its row stays as long as it would. */
  async hide(row: SessionRow): Promise<void> {
    const { rows, metadata } = this.#dependencies;
    const { bucket, key, id } = row.value;
    for (let now: SessionRow | undefined = row; now?.value.is_listed; now = await rows.session(id)) {
      const index = await metadata.get(uploadKey(bucket, key, id));
      const change = rows.begin();
      change.session(now, { ...now.value, is_listed: false });
      if (index !== undefined) change.unlistSession(now.value, index);
      if (await change.commit()) return;
    }
  }

  /**
   * Deletes versions of a key. The space is free and the deletion survives power loss once this resolves.
   *
   * @param choose those that go, of the key's versions, newest first; it throws if there is nothing to delete
   */
  async deleteVersions(
    bucket: string,
    key: string,
    choose: (versions: readonly Version[]) => readonly Version[],
  ): Promise<readonly Version[]> {
    const { content, freed, signal } = this.#dependencies;
    const done = await withReserve(content, () => this.#tryToDelete(bucket, key, choose));
    signal.announce();
    await freed.remove(done.freed);
    return done.going;
  }

  async #tryToDelete(bucket: string, key: string, choose: (versions: readonly Version[]) => readonly Version[]) {
    const { rows } = this.#dependencies;
    for (;;) {
      const keyRows = await rows.ofKey(bucket, key);
      const going = choose(versionsOf(keyRows));
      const versions = versionsOf(keyRows).filter((version) => !going.includes(version));
      const change = rows.begin();
      change.versions(bucket, key, keyRows, { last: lastNumber(keyRows), versions });
      const freed = change.free(going.map(({ session, pieces }) => ({ session, pieces })));
      const isDone = await change.commit(async () => {
        const now = await rows.artifact(bucket, key);
        return going.some(({ session }) => versionOf(now, session) !== undefined) ? undefined : true;
      });
      if (isDone) return { going, freed };
    }
  }
}
