import { ArtifactError } from "../model/errors.js";
import { parseFreedRow, type SessionRow } from "../model/records.js";
import { isEnded } from "../model/session-errors.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import { retryWithoutReserve } from "../pieces/with-reserve.js";
import type { ContentStore, PieceName } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import type { Ender } from "../publication/ender.js";
import type { Publisher } from "../publication/publisher.js";
import type { StoreClock } from "../publication/store-clock.js";
import type { Rows } from "../rows.js";
import { planSweep } from "./sweep-plan.js";

export interface SweepOptions {
  /** Replaces all grace periods of `limits.ts`: how long the sweep leaves alone what may still have an owner. */
  readonly graceMs?: number;
  /** Overrides whether the wall clock is trusted. */
  readonly trustsClock?: boolean;
  /** Ends the sweep after its current step. The next sweep does the rest. */
  readonly signal?: AbortSignal;
}

/** The work of a sweep, in numbers. */
export interface SweepReport {
  /** Uploads whose time was over, and whose bytes were removed. */
  readonly expired: number;
  /** Full uploads that were left behind, and saves that did not end: published, made a conflict, or ended. */
  readonly settled: number;
  /** Removed rows: of uploads that ended long ago, of removed pieces, and of keys that no longer are due to be freed. */
  readonly rows: number;
  /** Removed pieces of ended uploads that no version names. */
  readonly files: number;
  /** Keys that had expired, and were freed. */
  readonly artifacts: number;
  /** Failed steps; a sweep that is refused counts as one. Each is logged, and the next sweep tries it again. */
  readonly failed: number;
}

export interface SweepPassDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly freed: FreedPieces;
  readonly publisher: Publisher;
  readonly ender: Ender;
  readonly clock: StoreClock;
  readonly log: Log;
}

/** Rows read at a time. */
const pageRows = 100;

/** The steps of one sweep, and their report. A step that fails is logged, and the others go on. */
export class SweepPass {
  readonly report = { expired: 0, settled: 0, rows: 0, files: 0, artifacts: 0, failed: 0 };
  readonly #dependencies: SweepPassDependencies;
  readonly #options: SweepOptions;
  /** Sessions that ended long ago, by the shard of their pieces. */
  readonly #ended = new Map<string, SessionRow[]>();

  constructor(dependencies: SweepPassDependencies, options: SweepOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  async step(what: string, act: () => Promise<void>): Promise<void> {
    if (this.isStopped()) return;
    try {
      await retryWithoutReserve(this.#dependencies.content, act);
    } catch (error) {
      this.report.failed += 1;
      this.#dependencies.log("warn", "sweep_failed", { what, error: String(error) });
    }
  }

  async overRows(prefix: string, visit: (row: StoredRow) => Promise<void>): Promise<void> {
    for await (const row of rowsUnder(this.#dependencies.metadata, prefix, pageRows)) {
      if (this.isStopped()) return;
      await this.step(row.key, () => visit(row));
    }
  }

  /** Removes pieces that lost their row. The process that should have removed them may have died. */
  async freedRow(row: StoredRow): Promise<void> {
    await this.#dependencies.freed.removeOrThrow(parseFreedRow(row));
    this.report.rows += 1;
  }

  async session(row: SessionRow): Promise<void> {
    const { clock } = this.#dependencies;
    switch (planSweep(row.value, clock.nowSeconds(), this.#options.graceMs)) {
      case "publish":
        return this.#publish(row);
      case "abort":
        return this.#abort(row);
      case "expire":
        return this.#expire(row);
      case "forget":
        return this.#collect(row);
      case "keep":
        return;
    }
  }

  /** Publishes a full upload that was left behind, unless its key got a newer version since. */
  async #publish(row: SessionRow): Promise<void> {
    const { publisher, clock, log } = this.#dependencies;
    try {
      await publisher.publish(row, { isLeftBehind: true });
    } catch (error) {
      if (isEnded(error)) return; // another call ended it meanwhile
      if (!isRefusal(error)) throw error;
      log("info", "upload_not_published", { session: row.value.id, why: error.message });
      if (error.code !== "version_conflict" && clock.nowSeconds() >= row.value.expires_at) return this.#expire(row);
    }
    this.report.settled += 1;
  }

  /** Ends the session of a save that did not end. No caller has its id. */
  async #abort(row: SessionRow): Promise<void> {
    if (!(await this.trustsClock())) return;
    const now = await this.#dependencies.ender.end(row, "aborted");
    if (now?.value.status === "aborted") this.report.settled += 1;
  }

  async #expire(row: SessionRow): Promise<void> {
    if (!(await this.trustsClock())) return;
    const now = await this.#dependencies.ender.end(row, "expired");
    if (now?.value.status === "expired") this.report.expired += 1;
  }

  async #collect(row: SessionRow): Promise<void> {
    if (!(await this.trustsClock())) return;
    const shard = this.#dependencies.content.shardOf(row.value.id);
    this.#ended.set(shard, [...(this.#ended.get(shard) ?? []), row]);
  }

  /** Removes the sessions that ended long ago. It lists each shard once, for all its sessions. */
  async endedSessions(): Promise<void> {
    for (const [shard, sessions] of this.#ended) {
      if (this.isStopped()) return;
      await this.step(`content/${shard}`, () => this.#forgetIn(shard, sessions));
    }
  }

  /** Removes the leftover pieces of each session first, and then its row. */
  async #forgetIn(shard: string, sessions: readonly SessionRow[]): Promise<void> {
    const { content, rows, ender } = this.#dependencies;
    const found = new Map<string, PieceName[]>();
    for (const { piece } of await content.listShard(shard)) {
      if (piece !== undefined) found.set(piece.session, [...(found.get(piece.session) ?? []), piece]);
    }
    for (const row of sessions) {
      const { id, bucket, key } = row.value;
      await this.step(row.key, async () => {
        const { artifact, gone } = await rows.ofKey(bucket, key);
        // The row of its published version was lost. Its files stay, so that `verify` reports them.
        if (row.value.artifact?.session === id && artifact === undefined && gone === undefined) return;
        // All of them: versions that were moved together share a session.
        const own = artifact?.value.versions.filter(({ session }) => session === id) ?? [];
        const named = own.flatMap(({ pieces }) => pieces.map(({ name }) => name));
        const left = found.get(id)?.filter(({ name }) => !named.includes(name)) ?? [];
        await content.remove(left);
        this.report.files += left.length;
        this.report.rows += await ender.forget(row);
      });
    }
  }

  /** Asked after each look at the clock, because the clock may jump while the sweep runs. */
  async trustsClock(): Promise<boolean> {
    return this.#options.trustsClock ?? this.#dependencies.clock.isTrusted();
  }

  isStopped(): boolean {
    return this.#options.signal?.aborted === true;
  }
}

/** Whether the upload itself cannot be published, so that another try changes nothing. */
function isRefusal(error: unknown): error is ArtifactError {
  const codes: readonly string[] = ["version_conflict", "checksum_mismatch", "idempotency_conflict", "corrupt"];
  return error instanceof ArtifactError && codes.includes(error.code);
}
