import { derivedUnusedMs } from "../model/limits.js";
import { duePrefix, freedPrefix, parseDueRow, parseSessionRow, sessionPrefix } from "../model/records.js";
import type { DerivedStore } from "../ports/derived-store.js";
import type { ChangeSignal } from "../publication/change-signal.js";
import { ExpiredKeys } from "./expired-keys.js";
import type { StoreIdentity } from "./store-identity.js";
import { type SweepOptions, SweepPass, type SweepPassDependencies, type SweepReport } from "./sweep-pass.js";

export interface SweepDependencies extends SweepPassDependencies {
  readonly identity: StoreIdentity;
  readonly signal: ChangeSignal;
  readonly derived: DerivedStore;
}

/**
 * Frees what expiry and crashes leave behind. Any number of processes may sweep at once while others publish and
 * delete, because each change compares the rows that were read. A store whose rows are older than its content is not
 * swept.
 */
export class Sweep {
  readonly #dependencies: SweepDependencies;

  constructor(dependencies: SweepDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Makes one pass over all unfinished work. A step that fails is logged, and the others go on.
   *
   * @throws ArtifactError `store_replaced`
   */
  async run(options: SweepOptions = {}): Promise<SweepReport> {
    const { clock, identity, metadata, content, derived, freed, log } = this.#dependencies;
    const pass = new SweepPass(this.#dependencies, options);
    if (!(await identity.isCurrent())) {
      log("warn", "sweep_refused", { why: "the database is older than the content; verify has to check it first" });
      pass.report.failed += 1;
      return pass.report;
    }
    try {
      await pass.step("generation", () => identity.raise());
      await pass.overRows(freedPrefix, (row) => pass.freedRow(row));
      await pass.overRows(sessionPrefix, (row) => pass.session(parseSessionRow(row)));
      await pass.endedSessions();
      const expired = new ExpiredKeys(this.#dependencies, pass, options.graceMs);
      await pass.overRows(duePrefix, (row) => expired.due(parseDueRow(row)));
      await pass.step("expired keys", () => expired.markNew());
      await pass.step("derived", async () => void (await derived.removeUnused(derivedUnusedMs)));
      await pass.step("reclaim", () => metadata.reclaim());
      await pass.step("clock", () => clock.save());
      await freed.flush();
    } finally {
      await content.restoreReserve();
    }
    return pass.report;
  }
}
