import { hasExpired } from "../model/expiry.js";
import { type DueRow, dueKey } from "../model/records.js";
import { partsOf } from "../model/row-keys.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import type { IndexedKey } from "../ports/artifact-index.js";
import type { Log } from "../ports/log.js";
import type { MetadataStore } from "../ports/metadata-store.js";
import type { ChangeSignal } from "../publication/change-signal.js";
import { versionsOf } from "../publication/key-versions.js";
import { logChange } from "../publication/log-change.js";
import type { StoreClock } from "../publication/store-clock.js";
import { lastNumber, type Rows } from "../rows.js";
import type { SweepPass } from "./sweep-pass.js";
import { planDue } from "./sweep-plan.js";

export interface ExpiredKeysDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly freed: FreedPieces;
  readonly signal: ChangeSignal;
  readonly clock: StoreClock;
  readonly log: Log;
}

/** Keys read at a time. */
const pageKeys = 100;

/**
 * Frees keys that have expired. Two sweeps are needed for that, so that a clock that is wrong for less than an hour frees
 * nothing: the first one writes a `due` row, which says what it saw, and a later one frees the key if that is still so.
 */
export class ExpiredKeys {
  readonly #dependencies: ExpiredKeysDependencies;
  readonly #pass: SweepPass;
  readonly #graceMs: number | undefined;

  /** @param graceMs replaces `dueGraceMs` */
  constructor(dependencies: ExpiredKeysDependencies, pass: SweepPass, graceMs: number | undefined) {
    this.#dependencies = dependencies;
    this.#pass = pass;
    this.#graceMs = graceMs;
  }

  /** Frees a key that an earlier sweep has seen, or forgets that it was seen. */
  async due(row: DueRow): Promise<void> {
    const { rows, freed, signal, clock, log } = this.#dependencies;
    const [, bucket = "", key = ""] = partsOf(row.key);
    const keyRows = await rows.ofKey(bucket, key);
    const versions = versionsOf(keyRows);
    const plan = planDue(row.value, versions[0], clock.nowSeconds(), this.#graceMs);
    if (plan === "wait" || !(await this.#pass.trustsClock())) return;
    const change = rows.begin();
    change.dropDue(row);
    if (plan === "forget") {
      if (await change.commit()) this.#pass.report.rows += 1;
      return;
    }
    change.versions(bucket, key, keyRows, { last: lastNumber(keyRows), versions: [] });
    const freedRow = change.free(versions);
    if (!(await change.commit())) return; // the key has changed, or another sweep was faster
    this.#pass.report.artifacts += 1;
    logChange(log, "expired", { bucket, key, versions, by: undefined });
    signal.announce();
    await freed.remove(freedRow);
  }

  /** Writes a `due` row for each expired key that has none. Later sweeps look at these keys again. */
  async markNew(): Promise<void> {
    const { metadata, clock } = this.#dependencies;
    const now = clock.nowSeconds();
    if (!(await this.#pass.trustsClock())) return;
    for (let skip = 0; ; skip += pageKeys) {
      const keys = await metadata.expired(now, { skip, limit: pageKeys });
      if (keys.length === 0) return;
      const due = await metadata.getMany(keys.map(({ bucket, key }) => dueKey(bucket, key)));
      for (const [n, found] of keys.entries()) {
        if (this.#pass.isStopped()) return;
        if (due[n] === undefined) await this.#pass.step(`due ${found.bucket} ${found.key}`, () => this.#mark(found));
      }
    }
  }

  async #mark({ bucket, key }: IndexedKey): Promise<void> {
    const { rows, clock } = this.#dependencies;
    const keyRows = await rows.ofKey(bucket, key);
    const [newest] = versionsOf(keyRows);
    const at = clock.nowSeconds();
    if (newest === undefined || !hasExpired(newest, at) || !(await this.#pass.trustsClock())) return;
    const change = rows.begin();
    change.compareVersions(bucket, key, keyRows);
    change.markDue(bucket, key, { version: newest.version, edit: newest.edit ?? 0, at });
    await change.commit(); // if it fails, the key has changed, or another sweep has marked it
  }
}
