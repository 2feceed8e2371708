import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import type { Log } from "../../store/ports/log.js";
import { identityOf } from "./database/file-identity.js";

/** An answer about the place may be this old. */
const maxAgeMs = 1_000;
/** With less room than this the disk counts as nearly full. */
const leastFreeBytes = 64 * 1024 * 1024;
/** How long a disk that was found full counts as full, whatever it says: a quota shows in no other way. */
const fullForMs = 60_000;

/** Watches the path of an open database: whether the same file is still there, and how much room its disk has. */
export class DatabasePlace {
  readonly #file: string;
  readonly #log: Log;
  readonly identity: string;
  #isInPlace = true;
  #isShortOfRoom = false;
  /** Times of `performance.now()`. */
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #fullUntilMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  /** @param identity of the file that is open */
  constructor(file: string, identity: string, log: Log) {
    this.#file = file;
    this.identity = identity;
    this.#log = log;
  }

  /** Looks now. */
  async isInPlace(): Promise<boolean> {
    await this.#look();
    return this.#isInPlace;
  }

  /** Whether the disk is nearly full, as far as is known. */
  isNearlyFull(): boolean {
    return this.#isShortOfRoom || this.isFull();
  }

  /** Whether the disk was found full within the last minute. */
  isFull(): boolean {
    return performance.now() < this.#fullUntilMs;
  }

  /** What the disk has left now; infinite if it does not say. */
  freeBytes(): Promise<number> {
    return freeBytesAt(dirname(this.#file));
  }

  foundFull(): void {
    this.#fullUntilMs = performance.now() + fullForMs;
  }

  /**
   * To be called before a write. It looks where the last look is too old, but waits for it only if that one has found
   * another file: otherwise the write need not wait, and `confirm` has the answer.
   *
   * @throws ArtifactError `store_replaced`
   */
  async admit(): Promise<void> {
    const look = this.#isStale() ? this.#look() : undefined;
    if (this.#isInPlace)
      look?.catch(() => undefined); // `confirm` looks again
    else await look;
    if (!this.#isInPlace) throw storeReplaced();
  }

  /** To be called before a write is acknowledged. @throws ArtifactError `store_replaced` */
  async confirm(): Promise<void> {
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
    this.#isShortOfRoom = free < leastFreeBytes;
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
    "The store's database is no longer the one at its path: it was removed, moved or replaced. The change was not made in the store that is there now.",
    { next: "restart_server", cause },
  );
}
