import { ArtifactError } from "../../src/store/model/errors.js";
import type { LocalFiles, SkippedEntry } from "../../src/store/ports/local-files.js";

export interface MemoryLocalFile {
  bytes: Buffer;
  /** A number that a test increases with each change of the file. */
  change: number;
}

export interface MemoryFiles extends LocalFiles {
  readonly files: Map<string, MemoryLocalFile>;
  /** What a listing of any folder skips. */
  readonly skipped: SkippedEntry[];
}

/** Local files in memory, in a map by path. A folder exists while there is a file below it. */
export function createMemoryFiles(): MemoryFiles {
  const files = new Map<string, MemoryLocalFile>();
  const skipped: SkippedEntry[] = [];
  const check = (path: string, allowed: readonly string[]): void => {
    if (allowed.some((directory) => `${path}/`.startsWith(`${directory}/`))) return;
    throw new ArtifactError("path_not_allowed", "not allowed", { details: { path } });
  };
  return {
    files,
    skipped,
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
    async list(path, allowed) {
      check(path, allowed);
      const below = [...files].filter(([name]) => name.startsWith(`${path}/`));
      const listed = below.map(([name, { bytes }]) => ({ name: name.slice(path.length + 1), bytes: bytes.length }));
      return listed.length === 0 ? undefined : { path, files: listed, skipped };
    },
    async makeFolder(path, allowed, names, overwrite) {
      check(path, allowed);
      const taken = names.find((name) => files.has(`${path}/${name}`));
      if (taken === undefined || overwrite) return path;
      throw new ArtifactError("invalid_argument", "it exists", { details: { path: taken } });
    },
  };
}
