import { createHash } from "node:crypto";

/** The SHA-256 of bytes that come one after the other. */
export interface Digest {
  /** Resolves once it has taken `bytes`, which may change from then on; the next come after that. */
  update(bytes: Uint8Array): Promise<void>;
  /** Of all that came, in lower-case hex: the end of it. */
  hex(): Promise<string>;
  /** Nobody asks it any more, whether it has come to its end or not. */
  close(): void;
}

export interface Digests {
  /** @param bytes how many will come */
  begin(bytes: number): Promise<Digest>;
}

/** Digests where they are asked for: nothing else goes on meanwhile. */
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
        // there is nothing to give back
      },
    };
  },
};
