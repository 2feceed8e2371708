import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import type { Log } from "../../store/ports/log.js";
import { identityOf } from "./database/file-identity.js";

/** The result of a look at the file counts for this time. */
const maxAgeMs = 1_000;
/** With fewer free bytes than this, the disk counts as nearly full. */
const minFreeBytes = 64 * 1024 * 1024;
/** The disk counts as full for this time after a write failed for lack of room. Free bytes do not show a quota. */
const fullForMs = 60_000;

/** Watches the file of an open database: whether it is still at its path, and how much room its disk has. */
export class DatabaseFile {
  readonly #file: string;
  readonly #log: Log;
  readonly identity: string;
  #isInPlace = true;
  #hasLittleRoom = false;
  // Both are times of `performance.now()`.
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #fullUntilMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  /** @param identity of the file that is open, from `identityOf` */
  constructor(file: string, identity: string, log: Log) {
    this.#file = file;
    this.identity = identity;
    this.#log = log;
  }

  /** Whether the open file is still at its path. Looks at the path each time. */
  async isInPlace(): Promise<boolean> {
    await this.#look();
    return this.#isInPlace;
  }

  /** Whether the disk was nearly full when it was last looked at. */
  isDiskNearlyFull(): boolean {
    return this.#hasLittleRoom || this.isDiskFull();
  }

  /** Whether a write has failed for lack of room within the last minute. */
  isDiskFull(): boolean {
    return performance.now() < this.#fullUntilMs;
  }

  /** The free bytes of the disk now; infinite if the system does not tell. */
  freeBytes(): Promise<number> {
    return freeBytesAt(dirname(this.#file));
  }

  /** Must be called when a write has failed for lack of room. */
  markDiskFull(): void {
    this.#fullUntilMs = performance.now() + fullForMs;
  }

  /**
   * Must be called before a write. If the last look is too old, this begins a new one. It waits for the new look only
   * if the last one found another file. Otherwise the write can begin, because `checkAfterWrite` waits for the look.
   *
   * @throws ArtifactError `store_replaced`
   */
  async checkBeforeWrite(): Promise<void> {
    const look = this.#isStale() ? this.#look() : undefined;
    if (this.#isInPlace)
      look?.catch(() => undefined); // `checkAfterWrite` looks again
    else await look;
    if (!this.#isInPlace) throw storeReplaced();
  }

  /** Must be called after a write and before it is acknowledged. @throws ArtifactError `store_replaced` */
  async checkAfterWrite(): Promise<void> {
    if (this.#looking !== undefined) await this.#looking;
    if (this.#isStale()) await this.#look();
    if (!this.#isInPlace) throw storeReplaced();
  }

  #isStale(): boolean {
    return performance.now() - this.#lookedAtMs >= maxAgeMs;
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const startedAtMs = performance.now();
    const [identity, free] = await Promise.all([identityOf(this.#file), this.freeBytes()]);
    const isInPlace = identity === this.identity;
    if (this.#isInPlace !== isInPlace)
      this.#log(isInPlace ? "info" : "error", isInPlace ? "store_back" : "store_replaced");
    this.#isInPlace = isInPlace;
    this.#hasLittleRoom = free < minFreeBytes;
    this.#lookedAtMs = startedAtMs;
  }
}

async function freeBytesAt(folder: string): Promise<number> {
  const found = await statfs(folder).catch(() => undefined);
  return found === undefined ? Number.POSITIVE_INFINITY : found.bavail * found.bsize;
}

export function storeReplaced(cause?: unknown): ArtifactError {
  return new ArtifactError(
    "store_replaced",
    "The database of the store is not at its path any more: it was removed, moved or replaced. If another store is there now, the change was not made in it.",
    { next: "restart_server", cause },
  );
}
