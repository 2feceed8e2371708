import { ArtifactError } from "../model/errors.js";
import { endedSessionMs, publicationGraceMs, saveGraceMs } from "../model/limits.js";
import {
  freedPrefix,
  parseFreedRow,
  parseSessionRow,
  type SessionRow,
  sessionPrefix,
  versionOf,
} from "../model/records.js";
import { isEnded } from "../model/session-errors.js";
import { isReady, isUnfinished, statusAt } from "../model/upload-session.js";
import type { FreedPieces } from "../pieces/freed-pieces.js";
import { retryWithoutReserve } from "../pieces/with-reserve.js";
import type { ContentStore, PieceName } from "../ports/content-store.js";
import type { Log } from "../ports/log.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import type { Ender } from "../publication/ender.js";
import type { Publisher } from "../publication/publisher.js";
import type { StoreClock } from "../publication/store-clock.js";
import type { Rows } from "../rows.js";
import type { StoreIdentity } from "./store-identity.js";

export interface SweepOptions {
  /** How long what may still have an owner is left alone, where it is not the limits' own times. */
  readonly graceMs?: number;
  /** The wall clock is right, whatever is known of it. */
  readonly trustsClock?: boolean;
  /** Ends the sweep behind the step it is in; the rest is for the next. */
  readonly signal?: AbortSignal;
}

/** How many of each a sweep has dealt with. */
export interface SweepReport {
  /** Uploads past their time, whose bytes went. */
  readonly expired: number;
  /** Uploads with all their bytes that somebody left behind, and saves: published, a conflict, or ended. */
  readonly settled: number;
  /** Rows of uploads that ended long ago, and of pieces that are removed. */
  readonly rows: number;
  /** Pieces of ended uploads that no version names. */
  readonly files: number;
  /** Steps that failed, each logged: the next sweep tries again. */
  readonly failed: number;
}

export interface SweepDependencies {
  readonly rows: Rows;
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
  readonly freed: FreedPieces;
  readonly publisher: Publisher;
  readonly ender: Ender;
  readonly identity: StoreIdentity;
  readonly clock: StoreClock;
  readonly log: Log;
}

/** Rows read at a time. */
const pageRows = 100;

/**
 * Frees what expiry and crashes leave behind. Any number of processes may sweep at once, while others publish and
 * delete: each change compares what was read. Nothing is swept in a store whose rows and content may not belong
 * together.
 */
export class Sweep {
  readonly #dependencies: SweepDependencies;

  constructor(dependencies: SweepDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * One pass over all unfinished work. A step that fails is logged and does not keep the others from being done.
   *
   * @throws ArtifactError `store_replaced`
   */
  async run(options: SweepOptions = {}): Promise<SweepReport> {
    const { clock, identity, metadata, content, freed, log } = this.#dependencies;
    const pass = new Pass(this.#dependencies, options);
    if (!(await identity.isCurrent())) {
      log("warn", "sweep_refused", { why: "the database is older than the content; verify has to check it first" });
      return pass.report;
    }
    try {
      await pass.step("generation", () => identity.raise());
      await pass.overRows(freedPrefix, (row) => pass.freedRow(row));
      await pass.overRows(sessionPrefix, (row) => pass.session(parseSessionRow(row)));
      await pass.endedSessions();
      await pass.step("reclaim", () => metadata.reclaim());
      await pass.step("clock", () => clock.save());
      await freed.flush();
    } finally {
      await content.restoreReserve();
    }
    return pass.report;
  }
}

class Pass {
  readonly report = { expired: 0, settled: 0, rows: 0, files: 0, failed: 0 };
  readonly #dependencies: SweepDependencies;
  readonly #options: SweepOptions;
  /** Sessions that ended long ago, by the shard that their pieces are in. */
  readonly #ended = new Map<string, SessionRow[]>();

  constructor(dependencies: SweepDependencies, options: SweepOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  async overRows(prefix: string, visit: (row: StoredRow) => Promise<void>): Promise<void> {
    for await (const row of rowsUnder(this.#dependencies.metadata, prefix, pageRows)) {
      if (this.#isStopped()) return;
      await this.step(row.key, () => visit(row));
    }
  }

  /** Pieces that lost their row, and whose remover may have died. */
  async freedRow(row: StoredRow): Promise<void> {
    await this.#dependencies.freed.removeOrThrow(parseFreedRow(row));
    this.report.rows += 1;
  }

  async session(row: SessionRow): Promise<void> {
    const { clock, content } = this.#dependencies;
    const { value } = row;
    if (isReady(value) && value.is_listed) return this.#publish(row);
    if (isUnfinished(value) && !value.is_listed) return this.#giveUp(row);
    if (isUnfinished(value)) {
      return statusAt(value, clock.nowSeconds()) === "expired" ? this.#expire(row) : undefined;
    }
    if (!this.#isOlderThan(endedSessionMs, Math.max(value.updated_at, value.expires_at))) return;
    if (!(await this.#trustsClock())) return;
    const shard = content.shardOf(value.id);
    this.#ended.set(shard, [...(this.#ended.get(shard) ?? []), row]);
  }

  /** So that nothing complete expires unpublished. It does not come on top of what was published since. */
  async #publish(row: SessionRow): Promise<void> {
    if (!this.#isOlderThan(publicationGraceMs, row.value.updated_at)) return;
    const { publisher, clock, log } = this.#dependencies;
    try {
      await publisher.publish(row, { isLeftBehind: true });
    } catch (error) {
      if (isEnded(error)) return; // by somebody else, meanwhile
      if (!isRefusal(error)) throw error;
      log("info", "upload_not_published", { session: row.value.id, why: error.message });
      if (error.code !== "version_conflict" && clock.nowSeconds() >= row.value.expires_at) return this.#expire(row);
    }
    this.report.settled += 1;
  }

  /** Nobody has heard of a save that its process has not come to the end of. */
  async #giveUp(row: SessionRow): Promise<void> {
    if (!this.#isOlderThan(saveGraceMs, row.value.updated_at) || !(await this.#trustsClock())) return;
    const now = await this.#dependencies.ender.end(row, "aborted");
    if (now?.value.status === "aborted") this.report.settled += 1;
  }

  async #expire(row: SessionRow): Promise<void> {
    if (!(await this.#trustsClock())) return;
    const now = await this.#dependencies.ender.end(row, "expired");
    if (now?.value.status === "expired") this.report.expired += 1;
  }

  /** What is left of sessions before their rows go: one listing of a shard is enough for all of them. */
  async endedSessions(): Promise<void> {
    for (const [shard, sessions] of this.#ended) {
      if (this.#isStopped()) return;
      await this.step(`content/${shard}`, () => this.#forgetIn(shard, sessions));
    }
  }

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
        // What it has published is in a row that was lost: the files are for `verify` to tell of.
        if (row.value.artifact?.session === id && artifact === undefined && gone === undefined) return;
        const named = versionOf(artifact, id)?.pieces.map(({ name }) => name) ?? [];
        const left = found.get(id)?.filter(({ name }) => !named.includes(name)) ?? [];
        await content.remove(left);
        this.report.files += left.length;
        this.report.rows += await ender.forget(row);
      });
    }
  }

  async step(what: string, act: () => Promise<void>): Promise<void> {
    if (this.#isStopped()) return;
    try {
      await retryWithoutReserve(this.#dependencies.content, act);
    } catch (error) {
      this.report.failed += 1;
      this.#dependencies.log("warn", "sweep_failed", { what, error: String(error) });
    }
  }

  /** Asked behind each look at the clock, which may jump while the sweep runs. */
  async #trustsClock(): Promise<boolean> {
    return this.#options.trustsClock ?? this.#dependencies.clock.isTrusted();
  }

  #isOlderThan(ms: number, at: number): boolean {
    return this.#dependencies.clock.nowSeconds() - at >= (this.#options.graceMs ?? ms) / 1000;
  }

  #isStopped(): boolean {
    return this.#options.signal?.aborted === true;
  }
}

/** The upload itself cannot be published as it is: trying again changes nothing. */
function isRefusal(error: unknown): error is ArtifactError {
  const codes: readonly string[] = ["version_conflict", "checksum_mismatch", "idempotency_conflict", "corrupt"];
  return error instanceof ArtifactError && codes.includes(error.code);
}
