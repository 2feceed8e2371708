import type { DerivedStore } from "../../src/store/ports/derived-store.js";

export interface MemoryDerivedStore extends DerivedStore {
  /** By digest, then by name. Stores that share this map are like processes that share a directory. */
  readonly entries: Map<string, Map<string, MemoryEntry>>;
}

export interface MemoryEntry {
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970. A test may set it to make an entry older. */
  usedAt: number;
}

/** A derived store in memory, over a map. */
export function createMemoryDerivedStore(entries: MemoryDerivedStore["entries"] = new Map()): MemoryDerivedStore {
  return {
    entries,
    async get(sha256, name) {
      const entry = entries.get(sha256)?.get(name);
      if (entry !== undefined) entry.usedAt = Date.now();
      return entry && Uint8Array.from(entry.bytes);
    },
    async put(sha256, name, bytes) {
      const own = entries.get(sha256) ?? new Map<string, MemoryEntry>();
      entries.set(sha256, own.set(name, { bytes: Uint8Array.from(bytes), usedAt: Date.now() }));
    },
    async remove(sha256) {
      entries.delete(sha256);
    },
    async removeUnused(olderThanMs) {
      let removed = 0;
      for (const own of entries.values()) {
        for (const [name, { usedAt }] of own) if (Date.now() - usedAt >= olderThanMs && own.delete(name)) removed += 1;
      }
      return removed;
    },
  };
}
