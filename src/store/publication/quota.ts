import { countIs } from "../model/count.js";
import { ArtifactError } from "../model/errors.js";
import { parseArtifactRow, parseSessionRow, sessionPrefix } from "../model/records.js";
import { artifactPrefix } from "../model/row-keys.js";
import { isUnfinished } from "../model/upload-session.js";
import type { Log } from "../ports/log.js";
import { type MetadataStore, rowsUnder, type StoredRow } from "../ports/metadata-store.js";
import { withTimeout } from "../with-timeout.js";

export interface QuotaLimits {
  /** Bytes of all content, including unfinished uploads. */
  readonly maxStoreBytes: number;
  readonly maxUnfinishedBytes: number;
  readonly maxOpenSessions: number;
}

/** The amounts that a call adds or frees; 0 if absent. */
export interface Need {
  readonly openSessions?: number;
  readonly unfinishedBytes?: number;
  readonly storedBytes?: number;
}
type Counts = Required<Need>;

const nothing: Counts = { openSessions: 0, unfinishedBytes: 0, storedBytes: 0 };
const sum = (a: Counts, b: Need, sign = 1): Counts => ({
  openSessions: a.openSessions + sign * (b.openSessions ?? 0),
  unfinishedBytes: a.unfinishedBytes + sign * (b.unfinishedBytes ?? 0),
  storedBytes: a.storedBytes + sign * (b.storedBytes ?? 0),
});

const pageRows = 1_000;
/**
 * After a count, the next one waits at least this many times as long as the count took. So counting takes at most a
 * twentieth of the time.
 */
const restPerCount = 20;
const minRestMs = 250;
/** A count older than this is made again, because other processes may have added something. */
const staleMs = 5_000;
/** A call waits at most this long for a count. It waits for the end of the first count if a limit on bytes needs it. */
const firstCountMs = 50;

/** Room that is reserved for work in progress. `markUsed` or `release` ends it. */
export interface Reservation {
  /** Reserves more. @throws ArtifactError `storage_full` if there is no room; earlier reservations stay */
  grow(need: Need): Promise<void>;
  /** Counts the reserved amounts as used. */
  markUsed(): void;
  /** Gives back what is still reserved. Does nothing after `markUsed`. */
  release(): void;
}

/**
 * Tracks usage against quotas. The work of this process counts at once. The work of other processes counts with the
 * next count of the rows, which is made now and then, and before a call is refused. So limits may be exceeded for some
 * seconds, and are not exact to the byte.
 */
export class Quota {
  readonly #metadata: MetadataStore;
  readonly #limits: QuotaLimits;
  readonly #log: Log;
  #counted: Counts = nothing;
  #countedAt = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  #counting: Promise<void> | undefined;
  /** Reserved for work in progress. */
  #inFlight: Counts = nothing;
  /** Used by this process since the last count began. */
  #since: Counts = nothing;

  constructor(metadata: MetadataStore, limits: QuotaLimits, log: Log) {
    this.#metadata = metadata;
    this.#limits = limits;
    this.#log = log;
  }

  /** Runs work that needs room. @throws ArtifactError `storage_full` */
  async during<Result>(need: Need, work: () => Promise<Result>): Promise<Result> {
    const reservation = this.reserve();
    await reservation.grow(need);
    try {
      const result = await work();
      reservation.markUsed();
      return result;
    } finally {
      reservation.release();
    }
  }

  /** Begins a reservation, which reserves nothing at first. */
  reserve(): Reservation {
    let taken = nothing;
    const release = (): void => {
      this.#inFlight = sum(this.#inFlight, taken, -1);
      taken = nothing;
    };
    return {
      grow: (need) =>
        this.#admit(need, () => {
          taken = sum(taken, need);
          this.#inFlight = sum(this.#inFlight, need);
        }),
      markUsed: () => {
        this.#since = sum(this.#since, taken);
        release();
      },
      release,
    };
  }

  /** @throws ArtifactError `storage_full` if there is no room for `need` now */
  check(need: Need): Promise<void> {
    return this.#admit(need, () => undefined);
  }

  /** @param take called if there is room, in one step with the check, so that no other call takes the room first */
  async #admit(need: Need, take: () => void): Promise<void> {
    await this.#ready(need);
    if (this.#excess(need) !== undefined && this.#isRested()) await this.#count();
    const refusal = this.#excess(need);
    if (refusal !== undefined) throw refusal;
    take();
  }

  /** Subtracts what this process has ended or deleted, so that it makes room at once. */
  freed(less: Need): void {
    this.#since = sum(this.#since, less, -1);
  }

  async #ready(need: Need): Promise<void> {
    if (!this.#isLimited(need) || performance.now() - this.#countedAt < Math.max(staleMs, this.#restMs)) return;
    const isFirst = this.#counting === undefined && this.#tookMs === 0;
    const counting = this.#count();
    if (this.#limitsBytes(need) && isFirst) await counting;
    else await withTimeout(firstCountMs, counting);
  }

  #limitsBytes({ unfinishedBytes = 0, storedBytes = 0 }: Need): boolean {
    const { maxStoreBytes, maxUnfinishedBytes } = this.#limits;
    const isUnlimited = Number.MAX_SAFE_INTEGER;
    return (
      (storedBytes > 0 && maxStoreBytes < isUnlimited) || (unfinishedBytes > 0 && maxUnfinishedBytes < isUnlimited)
    );
  }

  #isLimited(need: Need): boolean {
    return (need.openSessions ?? 0) > 0 || this.#limitsBytes(need);
  }

  get #restMs(): number {
    return Math.max(minRestMs, this.#tookMs * restPerCount);
  }

  #isRested(): boolean {
    return performance.now() - this.#countedAt >= this.#restMs;
  }

  #excess(need: Need): ArtifactError | undefined {
    const used = sum(sum(this.#counted, this.#since), this.#inFlight);
    const { openSessions, unfinishedBytes, storedBytes } = sum(used, need);
    const { maxOpenSessions, maxUnfinishedBytes, maxStoreBytes } = this.#limits;
    if (need.openSessions && openSessions > maxOpenSessions) return tooManySessions(used.openSessions, maxOpenSessions);
    if (need.storedBytes && storedBytes > maxStoreBytes) return storeFull(used.storedBytes, need, maxStoreBytes);
    if (need.unfinishedBytes && unfinishedBytes > maxUnfinishedBytes) {
      return tooMuchUnfinished(used.unfinishedBytes, need, maxUnfinishedBytes);
    }
    return undefined;
  }

  /** Counts the rows. Calls at the same time share one count. */
  #count(): Promise<void> {
    this.#counting ??= this.#countRows()
      .catch((error) => this.#log("warn", "usage_not_counted", { error: String(error) }))
      .finally(() => {
        this.#counting = undefined;
      });
    return this.#counting;
  }

  async #countRows(): Promise<void> {
    const began = performance.now();
    const before = this.#since;
    let counted = nothing;
    await this.#overRows(sessionPrefix, (row) => {
      const session = parseSessionRow(row).value;
      const { offset, is_listed } = session;
      if (!isUnfinished(session)) return;
      // An unlisted session is a save in one call, not an unfinished upload. Its process may have died.
      counted = sum(counted, {
        storedBytes: offset,
        ...(is_listed ? { openSessions: 1, unfinishedBytes: offset } : {}),
      });
    });
    if (this.#limits.maxStoreBytes < Number.MAX_SAFE_INTEGER) {
      await this.#overRows(artifactPrefix, (row) => {
        for (const { bytes } of parseArtifactRow(row).value.versions) counted = sum(counted, { storedBytes: bytes });
      });
    }
    this.#counted = counted;
    this.#since = sum(this.#since, before, -1);
    this.#countedAt = performance.now();
    this.#tookMs = this.#countedAt - began;
  }

  async #overRows(prefix: string, visit: (row: StoredRow) => void): Promise<void> {
    for await (const row of rowsUnder(this.#metadata, prefix, pageRows)) {
      try {
        visit(row);
      } catch (error) {
        if (!(error instanceof ArtifactError)) throw error; // a row that cannot be parsed is not counted
      }
    }
  }
}

function tooManySessions(openSessions: number, most: number): ArtifactError {
  const message = `${countIs(openSessions, "upload session")} open, and at most ${most} may be open. No session was created.`;
  const details = { open_sessions: openSessions, max_open_sessions: most };
  return new ArtifactError("storage_full", message, { next: "close_sessions", details });
}

function storeFull(bytes: number, { storedBytes = 0 }: Need, most: number): ArtifactError {
  const message = `The store holds ${bytes} of at most ${most} bytes, and this content needs ${storedBytes} more. Nothing of it was stored; acknowledged bytes are safe.`;
  return new ArtifactError("storage_full", message, {
    next: storedBytes > most ? "raise_store_quota" : "free_store_quota",
    details: { stored_bytes: bytes, needed_bytes: storedBytes, max_store_bytes: most },
  });
}

function tooMuchUnfinished(bytes: number, { unfinishedBytes = 0 }: Need, most: number): ArtifactError {
  const message = `Unfinished uploads hold ${bytes} of at most ${most} bytes, and this content needs ${unfinishedBytes} more. Nothing of this call was stored; acknowledged bytes are safe.`;
  return new ArtifactError("storage_full", message, {
    next: unfinishedBytes > most ? "raise_unfinished_quota" : "finish_uploads",
    details: { unfinished_bytes: bytes, needed_bytes: unfinishedBytes, max_unfinished_bytes: most },
  });
}
