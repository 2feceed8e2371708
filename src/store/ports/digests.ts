import { createHash } from "node:crypto";

/** A running SHA-256 digest. */
export interface Digest {
  /** Adds `bytes`. The caller waits until this resolves before it changes them or calls `update` again. */
  update(bytes: Uint8Array): Promise<void>;
  /** The digest of all bytes, in lower-case hex. Called once, after the last `update`. */
  hex(): Promise<string>;
  /** Releases what the digest holds. Called also if the digest was not finished. */
  close(): void;
}

export interface Digests {
  /** @param bytes how many bytes will come */
  begin(bytes: number): Promise<Digest>;
}

/** Digests in the calling thread, which does nothing else meanwhile. */
export const plainDigests: Digests = {
  async begin() {
    const hash = createHash("sha256");
    return {
      async update(bytes) {
        hash.update(bytes);
      },
      async hex() {
        return hash.digest("hex");
      },
      close() {
        // nothing to release
      },
    };
  },
};
