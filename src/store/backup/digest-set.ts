/** A set of SHA-256 digests in 64 hex digits. One takes about 80 bytes, half of what the hex digits would take. */
export class DigestSet {
  readonly #digests = new Set<string>();

  get size(): number {
    return this.#digests.size;
  }

  has(sha256: string): boolean {
    return this.#digests.has(packed(sha256));
  }

  add(sha256: string): void {
    this.#digests.add(packed(sha256));
  }
}

const packed = (sha256: string): string => Buffer.from(sha256, "hex").toString("latin1");
