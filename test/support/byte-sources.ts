import type { Run, Source } from "../../src/analysis/source.js";
import type { AnalysedContent } from "../../src/store/ports/analyses.js";

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

/** A content of any size that is made when it is read. Parts follow each other; the last one is repeated up to the size. */
export function madeContent(key: string, bytes: number, parts: readonly (Uint8Array | string)[]): AnalysedContent {
  const beginning = Buffer.concat(parts.slice(0, -1).map((part) => Buffer.from(part)));
  const repeated = Buffer.from(parts.at(-1) ?? "");
  return {
    key,
    mimeType: "application/octet-stream",
    bytes,
    reader: {
      async read(start, length) {
        const made = new Uint8Array(Math.max(0, Math.min(length, bytes - start)));
        made.set(beginning.subarray(start, start + made.length));
        const offset = Math.max(0, beginning.length - start);
        if (offset < made.length) {
          const from = (start + offset - beginning.length) % repeated.length;
          const turned = Buffer.concat([repeated.subarray(from), repeated.subarray(0, from)]);
          Buffer.from(made.buffer, offset).fill(turned);
        }
        return made;
      },
    },
  };
}

/** A content in memory, as analyses in threads take it. */
export function contentOfBytes(content: Uint8Array | string, key: string): AnalysedContent {
  return madeContent(key, Buffer.byteLength(content), [content, "\0"]);
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
