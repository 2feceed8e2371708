import type { BackupFiles } from "../../src/store/ports/backup-files.js";

export interface MemoryBackupFiles extends BackupFiles {
  /** By name. Several processes may share the map. */
  readonly files: Map<string, Buffer>;
}

/**
 * Called before each call that writes, with its name. It may throw, as a full disk does or a process that dies; or change
 * the store, as other processes do meanwhile.
 */
export type AroundBackup = (name: string) => void | Promise<void>;

/** The files of a backup in memory, over a map. */
export function createMemoryBackupFiles(
  files = new Map<string, Buffer>(),
  around: AroundBackup = () => undefined,
): MemoryBackupFiles {
  return {
    files,
    async create() {
      await around("create");
      const parts: Buffer[] = [];
      return {
        async write(bytes) {
          await around("write");
          parts.push(Buffer.from(bytes));
        },
        async commit(name) {
          await around(`commit ${name}`);
          files.set(name, Buffer.concat(parts));
        },
        discard: async () => undefined,
      };
    },
    async open(name) {
      const found = files.get(name);
      if (found === undefined) return undefined;
      const read = async (start: number, length: number) => Buffer.from(found.subarray(start, start + length));
      return { bytes: found.length, read, close: async () => undefined };
    },
    bytesOf: async (name) => files.get(name)?.length,
    async list(folder) {
      const prefix = folder === "" ? "" : `${folder}/`;
      const below = [...files.keys()].filter((name) => name.startsWith(prefix));
      const names = new Set(below.map((name) => name.slice(prefix.length).split("/")[0] ?? ""));
      return [...names].filter((name) => !name.startsWith(".")).sort();
    },
    async remove(name) {
      await around(`remove ${name}`);
      files.delete(name);
    },
    sync: async () => around("sync"),
  };
}
