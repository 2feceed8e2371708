/**
 * Keeps what was derived from content, by the digest of the content and a name. It is a cache: any entry may be gone at
 * any time, and a missing or damaged one is made again. It counts in no quota.
 */
export interface DerivedStore {
  /** The entry as it was put. Undefined if there is none, or if it is damaged. Never throws. */
  get(sha256: string, name: string): Promise<Uint8Array | undefined>;
  /** Puts an entry in place of the one before. A failure is logged, and leaves no entry. */
  put(sha256: string, name: string, bytes: Uint8Array): Promise<void>;
  /** Removes all entries of a content. */
  remove(sha256: string): Promise<void>;
  /** Removes the entries that nobody has got or put for so long. Returns their number. */
  removeUnused(olderThanMs: number): Promise<number>;
}

/** Keeps nothing. */
export const noDerivedStore: DerivedStore = {
  get: async () => undefined,
  put: async () => undefined,
  remove: async () => undefined,
  removeUnused: async () => 0,
};
