/** Bytes that arrive over time, whatever brings them. */
export interface ByteSource {
  /** The next bytes; undefined at the end, or once stopped. @throws whatever has broken the source */
  next(): Promise<Uint8Array | undefined>;
  /** Nobody wants more of it: a `next` that waits answers at once. */
  stop(): void;
}
