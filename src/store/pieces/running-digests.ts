import { createHash, type Hash } from "node:crypto";
import { BoundedMap } from "../model/bounded-map.js";
import { maxKeptDigests } from "../model/limits.js";
import type { SessionRecord } from "../model/records.js";

/** The digest of the first `bytes` bytes of a session. These bytes never change. */
export interface RunningDigest {
  readonly hash: Hash;
  readonly bytes: number;
}

/** SHA-256 digests of the sessions whose bytes this process has seen, at most `maxKeptDigests` of them. */
export class RunningDigests {
  /** By session. */
  readonly #digests = new BoundedMap<RunningDigest>(maxKeptDigests);

  /**
   * The digest of all bytes that the record counts, as a copy to update further. Undefined if this process has not seen
   * all of them.
   */
  resume({ id, offset }: SessionRecord): Hash | undefined {
    return offset === 0 ? createHash("sha256") : this.#find(id, offset)?.hash.copy();
  }

  /** The same digest as 64 lower-case hex. Undefined if this process has not seen all bytes, or if there are none. */
  hex({ id, offset }: SessionRecord): string | undefined {
    return this.#find(id, offset)?.hash.copy().digest("hex");
  }

  keep(id: string, digest: RunningDigest): void {
    this.#digests.set(id, digest);
  }

  drop(id: string): void {
    this.#digests.delete(id);
  }

  #find(id: string, offset: number): RunningDigest | undefined {
    const known = this.#digests.get(id);
    return known?.bytes === offset ? known : undefined;
  }
}
