/** Bytes that arrive over time, from any source. */
export interface ByteSource {
  /** The next bytes. Undefined at the end, and after `stop`. @throws the error that broke the source */
  next(): Promise<Uint8Array | undefined>;
  /** Says that no more bytes are wanted. A `next` that is waiting resolves at once. */
  stop(): void;
}
