import { ArtifactError } from "../../src/store/model/errors.js";
import type { LocalFiles } from "../../src/store/ports/local-files.js";

export interface MemoryLocalFile {
  bytes: Buffer;
  /** A number that a test increases with each change of the file. */
  change: number;
}

/** Local files in memory, in a map by path. */
export function createMemoryFiles(): LocalFiles & { readonly files: Map<string, MemoryLocalFile> } {
  const files = new Map<string, MemoryLocalFile>();
  const check = (path: string, allowed: readonly string[]): void => {
    if (allowed.some((directory) => path.startsWith(`${directory}/`))) return;
    throw new ArtifactError("path_not_allowed", "not allowed", { details: { path } });
  };
  return {
    files,
    async open(path, allowed) {
      check(path, allowed);
      const file = files.get(path);
      if (file === undefined) throw new ArtifactError("invalid_argument", "no such file", { details: { path } });
      const { change } = file;
      return {
        path,
        bytes: file.bytes.length,
        read: async (start, length) => Buffer.from(file.bytes.subarray(start, start + length)),
        isUnchanged: async () => file.change === change,
        close: async () => undefined,
      };
    },
    async create(path, allowed, overwrite) {
      check(path, allowed);
      if (files.has(path) && !overwrite)
        throw new ArtifactError("invalid_argument", "it exists", { details: { path } });
      const blocks: Uint8Array[] = [];
      return {
        path,
        write: async (bytes) => void blocks.push(bytes),
        async commit() {
          files.set(path, { bytes: Buffer.concat(blocks), change: 0 });
        },
        discard: async () => undefined,
      };
    },
  };
}
