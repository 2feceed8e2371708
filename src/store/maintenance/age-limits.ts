import type { BucketLimits } from "../buckets/bucket-limits.js";
import { forEachOf } from "../for-each-of.js";
import { isTooOld } from "../model/expiry.js";
import { type BucketRow, bucketIn, type Version } from "../model/records.js";
import type { AgedKey } from "../ports/artifact-index.js";
import type { ChangeSignal } from "../publication/change-signal.js";
import { versionsOf } from "../publication/key-versions.js";
import { logChange } from "../publication/log-change.js";
import { lastNumber } from "../rows.js";
import type { StoreIdentity } from "./store-identity.js";
import { type SweepOptions, SweepPass, type SweepPassDependencies } from "./sweep-pass.js";
import { WitnessedAges } from "./witnessed-ages.js";

export interface AgeLimitsDependencies extends SweepPassDependencies {
  readonly limits: BucketLimits;
  readonly identity: StoreIdentity;
  readonly signal: ChangeSignal;
  /** Milliseconds that only go forward. */
  readonly monotonicMs: () => number;
}

/** The work of a pass, in numbers. */
export interface AgeReport {
  /** Artifacts that were deleted. */
  readonly artifacts: number;
  /** Failed steps. Each is logged, and the next pass tries it again. */
  readonly failed: number;
}

/** Keys read at a time. */
const pageKeys = 100;
/** Deletions that run at once. The changes that wait for each other share a transaction. */
const maxRunning = 8;
/** A time that no artifact has expired at. */
const always = 0;

/**
 * Deletes artifacts whose newest version is older than the `max_age` of their bucket, with all their versions. Any number
 * of processes may do this at once. Unfinished uploads are left alone.
 *
 * By a clock that is not trusted, only that is deleted which this process has seen for so long itself. Nothing is deleted
 * from a store whose rows are older than its content.
 */
export class AgeLimits {
  readonly #dependencies: AgeLimitsDependencies;
  readonly #witnessed: WitnessedAges;
  #hasToldWait = false;

  constructor(dependencies: AgeLimitsDependencies) {
    this.#dependencies = dependencies;
    this.#witnessed = new WitnessedAges(dependencies.monotonicMs);
  }

  /** In how many milliseconds a process that begins now deletes by its clock; 0 if it does at once. */
  waitMs(): Promise<number> {
    return this.#dependencies.clock.untrustedMs();
  }

  /**
   * Makes one pass over the buckets with such a limit. A step that fails is logged, and the others go on.
   *
   * @throws ArtifactError `store_replaced`
   */
  async run(options: SweepOptions = {}): Promise<AgeReport> {
    const { limits, identity, content } = this.#dependencies;
    const pass = new SweepPass(this.#dependencies, options);
    const limited = (await limits.read()).filter(({ value }) => value.max_age !== undefined);
    const isCurrent = limited.length === 0 || (await identity.isCurrent());
    if (!isCurrent) this.#witnessed.forget();
    if (limited.length > 0 && isCurrent) {
      try {
        for (const row of limited) await pass.step(`max_age ${bucketIn(row.key)}`, () => this.#bucket(row, pass));
        if (!pass.isStopped()) await pass.step("clock", () => this.#keepClock());
      } finally {
        await content.restoreReserve();
      }
    }
    const { artifacts, failed } = pass.report;
    return { artifacts, failed };
  }

  /** Lets the clock prove itself, and tells the operator once what waits for that. */
  async #keepClock(): Promise<void> {
    const { clock, log } = this.#dependencies;
    await clock.keep();
    const waitMs = await clock.untrustedMs();
    if (waitMs > 0 && !this.#hasToldWait) {
      const until = new Date(clock.nowSeconds() * 1000 + waitMs).toISOString();
      log("info", "age_limits_wait", { until, why: "the clock has not proved right yet" });
    }
    this.#hasToldWait = waitMs > 0;
  }

  /** Deletes what is too old in one bucket, the oldest first, as long as the limits of the bucket do not change. */
  async #bucket(row: BucketRow, pass: SweepPass): Promise<void> {
    const { metadata, clock } = this.#dependencies;
    const { max_age = Number.POSITIVE_INFINITY } = row.value;
    const bucket = bucketIn(row.key);
    if (!(await pass.trustsClock())) {
      await this.#witnessed.look(bucket, async () => (await metadata.matching(bucket, "", always)).last);
    }
    let isInForce = true;
    for (let after: AgedKey | undefined; isInForce; ) {
      const until = clock.nowSeconds() - max_age;
      if (pass.isStopped()) return;
      const seen = (await pass.trustsClock()) ? undefined : this.#witnessed.lastOfAge(bucket, max_age);
      if (seen === 0) return;
      const page = await metadata.aged(bucket, until, { limit: pageKeys, after });
      await forEachOf(page, maxRunning, async (found) => {
        if (!isInForce || (seen !== undefined && found.id > seen)) return;
        await pass.step(`max_age ${found.bucket} ${found.key}`, async () => {
          if (await this.#delete(row, found, pass)) return;
          isInForce = (await metadata.get(row.key)) === row.text;
        });
      });
      after = page.at(-1);
      if (page.length < pageKeys) return;
    }
  }

  /**
   * Deletes an artifact if it is still too old. The change compares the row of the bucket, so it is not made once the
   * limit was changed, and the row of the artifact, so a new version stays. Returns false if it was not made.
   */
  async #delete(row: BucketRow, found: AgedKey, pass: SweepPass): Promise<boolean> {
    const { bucket, key } = found;
    const { rows, freed, signal, clock, log } = this.#dependencies;
    const keyRows = await rows.ofKey(bucket, key);
    const versions = versionsOf(keyRows);
    if (!isTooOld(versions[0], row.value.max_age, clock.nowSeconds())) return true;
    if (!(await pass.trustsClock()) && !this.#hasSeen(found, versions[0], row.value.max_age)) return true;
    const change = rows.begin();
    change.compare(row);
    change.versions(bucket, key, keyRows, { last: lastNumber(keyRows), versions: [] });
    const freedRow = change.free(versions);
    if (!(await change.commit())) return false;
    pass.report.artifacts += 1;
    logChange(log, "expired", { bucket, key, versions, by: "max-age" });
    signal.announce();
    await freed.remove(freedRow);
    return true;
  }

  /** Whether this process has seen the newest version of a key for the whole time that makes it too old. */
  #hasSeen({ bucket, version, id }: AgedKey, newest: Version | undefined, maxAge = Number.POSITIVE_INFINITY): boolean {
    return newest?.version === version && id <= this.#witnessed.lastOfAge(bucket, maxAge);
  }
}
