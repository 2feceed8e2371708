import type { BlobStore, StoredFile } from "./blob-store.js";
import { completingGraceMs, sweepGraceMs } from "./limits.js";
import type { Log } from "./log.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "./metadata-store.js";
import type { Publisher } from "./publish.js";
import { orWithoutReserve } from "./reserve.js";
import {
  freedPrefix,
  idOf,
  parseFreedRow,
  parseSessionRow,
  type Rows,
  type SessionRow,
  sessionPrefix,
  uploadPrefix,
  versionOf,
} from "./rows.js";
import type { Staging } from "./staging.js";
import { isUnfinished, statusAt } from "./upload-session.js";

export interface SweepOptions {
  /** How long what nobody owns, or nobody goes on with, is left alone, where it is not the limits' own times. */
  readonly graceMs?: number;
  /** Ends the sweep behind the step it is in; the rest is for the next. */
  readonly signal?: AbortSignal;
}

/** How many of each a sweep has dealt with. */
export interface SweepReport {
  /** Uploads past their time, whose bytes went. */
  readonly expired: number;
  /** Publications that somebody left in the middle: finished, held or, of a save, undone. */
  readonly settled: number;
  /** Rows of uploads that ended long ago, index rows of none, and `freed` rows. */
  readonly rows: number;
  /** Files of uploads that nothing names. */
  readonly files: number;
  /** Steps that failed, each logged: the next sweep tries again. */
  readonly failed: number;
}

export interface SweepDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly staging: Staging;
  readonly publisher: Publisher;
  readonly log: Log;
  readonly nowSeconds: () => number;
}

/** Rows read at a time. */
const pageRows = 100;

/**
 * Frees what expiry and crashes leave behind, by one rule: a blob is kept if and only if its artifact row names it or
 * its session is `completing` or `held`; a segment, if and only if its session is `open`, `completing` or `held` and
 * names it. Any number of processes may sweep at once, while others publish and delete: each change is a
 * compare-and-set from what was read.
 */
export class Sweep {
  readonly #dependencies: SweepDependencies;

  constructor(dependencies: SweepDependencies) {
    this.#dependencies = dependencies;
  }

  /** One pass over all unfinished work. A step that fails is logged and does not keep the others from being done. */
  async run({ graceMs, signal }: SweepOptions = {}): Promise<SweepReport> {
    const pass = new Pass(this.#dependencies, {
      unownedSeconds: (graceMs ?? sweepGraceMs) / 1000,
      completingSeconds: (graceMs ?? completingGraceMs) / 1000,
      signal,
    });
    try {
      await pass.overRows(sessionPrefix, (row) => pass.session(parseSessionRow(row)));
      await pass.overRows(uploadPrefix(), (row) => pass.indexRow(row));
      await pass.overRows(freedPrefix, (row) => pass.freedRow(row));
      await pass.overUploads();
    } finally {
      await this.#dependencies.blobs.restoreReserve();
    }
    return pass.report;
  }
}

interface Grace {
  readonly unownedSeconds: number;
  readonly completingSeconds: number;
  readonly signal: AbortSignal | undefined;
}

class Pass {
  readonly report = { expired: 0, settled: 0, rows: 0, files: 0, failed: 0 };
  readonly #dependencies: SweepDependencies;
  readonly #grace: Grace;

  constructor(dependencies: SweepDependencies, grace: Grace) {
    this.#dependencies = dependencies;
    this.#grace = grace;
  }

  async overRows(prefix: string, visit: (row: StoredRow) => Promise<void>): Promise<void> {
    for await (const row of rowsUnder(this.#dependencies.metadata, prefix, pageRows)) {
      if (this.#isStopped()) return;
      await this.#step(row.key, () => visit(row));
    }
  }

  async overUploads(): Promise<void> {
    for (const session of await this.#dependencies.blobs.stagedSessions()) {
      await this.#step(`uploads/${session}`, () => this.#stagedFiles(session));
    }
  }

  async session(row: SessionRow): Promise<void> {
    const { status } = row.value;
    switch (statusAt(row.value, this.#dependencies.nowSeconds())) {
      case "open":
      case "held":
        return;
      case "completing":
        return this.#settle(row);
      case "expired":
        return status === "expired" ? this.#forget(row) : this.#expire(row);
      default:
        return this.#forget(row);
    }
  }

  async #expire(row: SessionRow): Promise<void> {
    const { staging, publisher } = this.#dependencies;
    await staging.forget(row.value.id);
    await publisher.end(row, "expired");
    this.report.expired += 1;
  }

  /** What was never acknowledged does not appear on top of what came later. */
  async #settle(row: SessionRow): Promise<void> {
    const { publisher } = this.#dependencies;
    const { origin, sealed } = row.value;
    if (!this.#isOlderThan(this.#grace.completingSeconds, sealed?.at ?? 0)) return;
    if (origin === "save") await publisher.end(row, "aborted");
    else await publisher.commit(row, { isLeftBehind: true });
    this.report.settled += 1;
  }

  /** The row of an upload that has ended stays until its time is over, and a while longer to say so. */
  async #forget(row: SessionRow): Promise<void> {
    if (!this.#isOlderThan(this.#grace.unownedSeconds, row.value.expires_at)) return;
    this.report.rows += await this.#dependencies.publisher.forget(row);
  }

  async indexRow(row: StoredRow): Promise<void> {
    if (await this.#dependencies.publisher.dropIndex(row)) this.report.rows += 1;
  }

  /** A blob that somebody was about to free is freed; if it never came to that, forgotten, after a while. */
  async freedRow(stored: StoredRow): Promise<void> {
    const { rows, metadata, publisher } = this.#dependencies;
    const { bucket, key, at } = parseFreedRow(stored).value;
    const id = idOf(stored.key);
    const session = await rows.session(id);
    if (session?.value.status === "completing" || session?.value.status === "held") return;
    // Its session has ended, so a blob that the artifact row does not name now is never named again.
    if (versionOf(await rows.artifact(bucket, key), id) === undefined) await publisher.free(id);
    // Whoever announced it of late may be about to delete.
    else if (!this.#isOlderThan(this.#grace.unownedSeconds, at)) return;
    else if (!(await metadata.replace(stored.key, stored.text, undefined))) return;
    this.report.rows += 1;
  }

  async #stagedFiles(session: string): Promise<void> {
    const { blobs } = this.#dependencies;
    const files = await blobs.stagedFiles(session);
    const old = files.filter(({ written_at }) => this.#isOlderThan(this.#grace.unownedSeconds, written_at));
    const unowned = old.length === 0 ? [] : await this.#claimUnowned(session, old);
    if (unowned.length === 0 && files.length > 0) return;
    const names = unowned.map(({ name }) => name);
    await blobs.removeSegments(session, names); // with none, an empty folder
    this.report.files += unowned.length;
  }

  /**
   * Those files that the session's row does not name, and will not come to name. A process that was stopped between
   * its bytes and its row may still wake up: a new revision of the row makes it lose, and stage its bytes again.
   */
  async #claimUnowned(session: string, files: readonly StoredFile[]): Promise<StoredFile[]> {
    const { rows } = this.#dependencies;
    const row = await rows.session(session);
    const named = row !== undefined && isUnfinished(row.value) ? row.value.segments.map(({ name }) => name) : [];
    const unowned = files.filter(({ name }) => !named.includes(name));
    if (row?.value.status !== "open" || unowned.length === 0) return unowned;
    return (await rows.replaceSession(row, row.value)) ? unowned : [];
  }

  #isOlderThan(seconds: number, at: number): boolean {
    return this.#dependencies.nowSeconds() - at >= seconds;
  }

  #isStopped(): boolean {
    return this.#grace.signal?.aborted === true;
  }

  async #step(what: string, act: () => Promise<void>): Promise<void> {
    if (this.#isStopped()) return;
    try {
      await orWithoutReserve(this.#dependencies.blobs, act);
    } catch (error) {
      this.report.failed += 1;
      this.#dependencies.log("warn", "sweep_failed", { what, error: String(error) });
    }
  }
}
