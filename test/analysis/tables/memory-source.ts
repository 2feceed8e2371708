import { gzipSync } from "node:zlib";
import type { Run, Source } from "../../../src/analysis/source.js";

/** A content in memory. */
export function memorySource(key: string, content: string | Uint8Array): Source {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return {
    key,
    mimeType: "application/octet-stream",
    bytes: bytes.length,
    read: async (start, length) => bytes.slice(start, start + length),
  };
}

export function gzipped(key: string, content: string | Uint8Array): Source {
  return memorySource(`${key}.gz`, gzipSync(content));
}

/** A content that begins with `head` and then repeats `body`, and is nowhere as a whole. */
export function endlessSource(
  key: string,
  head: string | Uint8Array,
  body: string | Uint8Array,
  bytes: number,
): Source {
  const [first, rest] = [Buffer.from(head), Buffer.from(body)];
  return {
    key,
    mimeType: "application/octet-stream",
    bytes,
    read: async (start, length) => {
      const found = Buffer.alloc(Math.max(0, Math.min(length, bytes - start)));
      for (let at = 0; at < found.length; ) {
        const from = start + at;
        const part = from < first.length ? first.subarray(from) : rest.subarray((from - first.length) % rest.length);
        at += part.copy(found, at);
      }
      return found;
    },
  };
}

export const unlimited: Run = { isOver: () => false, report: () => undefined };
