import type { Run, Source } from "../../src/analysis/source.js";

/** A content in memory. */
export function sourceOfBytes(
  content: Uint8Array | string,
  key = "content",
  mimeType = "application/octet-stream",
): Source {
  const bytes = Buffer.from(content);
  return {
    key,
    mimeType,
    bytes: bytes.length,
    read: async (start, length) => Uint8Array.from(bytes.subarray(start, start + length)),
  };
}

/** A run that goes on for ever, and keeps what was reported last. */
export function endlessRun(): Run & { known: unknown } {
  return {
    known: undefined,
    isOver: () => false,
    report(known) {
      this.known = known;
    },
  };
}
