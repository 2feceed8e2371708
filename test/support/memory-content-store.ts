import { randomBytes } from "node:crypto";
import { ArtifactError } from "../../src/store/model/errors.js";
import type { ByteReader, ContentStore, NamedPiece, PieceWriter } from "../../src/store/ports/content-store.js";

export interface MemoryFile {
  bytes: Buffer;
  /** Unix seconds; a test may make a file older. */
  written_at: number;
}

export interface MemoryContentOptions {
  /** By `<session>/<name>`. Several stores may share the map, as processes share a directory. */
  readonly pieces?: Map<string, MemoryFile>;
  /** Tells two pieces with the same start apart; random by default. */
  readonly newName?: () => string;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
}

export type MemoryContentStore = ContentStore & {
  /** By `<session>/<name>`. */
  readonly files: Map<string, MemoryFile>;
};

/** The content port over a map. */
export function createMemoryContentStore(options: MemoryContentOptions = {}): MemoryContentStore {
  const { pieces: files = new Map<string, MemoryFile>() } = options;
  const { newName = () => randomBytes(8).toString("hex"), now = Date.now } = options;
  const pathOf = (session: string, name: string): string => `${session}/${name}`;
  const shardOf = (session: string): string => session.slice(0, 1);

  const at = (path: string): string | undefined =>
    [...files.keys()].find((key) => path === `content/${shardOf(key)}/${key.replace("/", ".")}`);

  function add(session: string, start: number, bytes: Buffer) {
    const name = `${start}-${newName()}`;
    const file: MemoryFile = { bytes, written_at: Math.floor(now() / 1000) };
    files.set(pathOf(session, name), file);
    return { name, file };
  }

  /** An independent copy. Undefined if the piece is gone. */
  function copyOf(session: string, { name, bytes }: NamedPiece): Buffer | undefined {
    const file = files.get(pathOf(session, name));
    if (file === undefined) return undefined;
    if (file.bytes.length < bytes) throw new ArtifactError("corrupt", "A piece is shorter than it was named.");
    return Buffer.from(file.bytes.subarray(0, bytes));
  }

  return {
    files,
    async createPiece(session, start) {
      const { name, file } = add(session, start, Buffer.alloc(0));
      return writerOf(name, file, now);
    },
    async openPiece(session, { name, bytes }) {
      const file = files.get(pathOf(session, name));
      return file && readerOf(file, bytes);
    },
    async fold(session, pieces, start) {
      const parts = pieces.map((piece) => copyOf(session, piece));
      const found = parts.filter((part) => part !== undefined);
      return found.length < parts.length ? undefined : add(session, start, Buffer.concat(found)).name;
    },
    async copy(from, piece, to, start) {
      const bytes = copyOf(from, piece);
      return bytes && add(to, start, bytes).name;
    },
    async remove(pieces) {
      for (const { session, name } of pieces) files.delete(pathOf(session, name));
    },
    shardOf,
    pathOf: (piece) => `content/${shardOf(piece.session)}/${piece.session}.${piece.name}`,
    shards: async () => [...new Set([...files.keys()].map(shardOf))].sort(),
    async listShard(shard) {
      const own = [...files].filter(([path]) => shardOf(path) === shard).sort(([a], [b]) => (a < b ? -1 : 1));
      return own.map(([path, { bytes, written_at }]) => {
        const [session = "", name = ""] = path.split("/");
        const piece = { session, name };
        return { piece, path: `content/${shard}/${session}.${name}`, bytes: bytes.length, written_at };
      });
    },
    strayFiles: async () => [],
    has: async (path) => at(path) !== undefined,
    async setAside(path) {
      const found = at(path);
      return found !== undefined && files.delete(found);
    },
    keepAside: async () => undefined,
    ...besidesOf(files),
  };
}

function writerOf(name: string, file: MemoryFile, now: () => number): PieceWriter {
  const change = (bytes: Buffer): void => {
    file.bytes = bytes;
    file.written_at = Math.floor(now() / 1000);
  };
  return {
    name,
    write: async (bytes) => change(Buffer.concat([file.bytes, bytes])),
    sync: async () => undefined,
    truncate: async (length) => change(file.bytes.subarray(0, length)),
    close: async () => undefined,
  };
}

function readerOf(file: MemoryFile, bytes: number): ByteReader {
  return {
    read: async (start, length) => Buffer.from(file.bytes.subarray(start, Math.min(start + length, bytes))),
    close: async () => undefined,
  };
}

interface Besides {
  mark: string | undefined;
  hasReserve: boolean;
}

/** What stores that share pieces share as well. */
const besides = new WeakMap<Map<string, MemoryFile>, Besides>();

type BesidesMethods = Pick<ContentStore, "readMark" | "writeMark" | "check" | "releaseReserve" | "restoreReserve">;

function besidesOf(files: Map<string, MemoryFile>): BesidesMethods {
  const shared = besides.get(files) ?? { mark: undefined, hasReserve: true };
  besides.set(files, shared);
  return {
    readMark: async () => shared.mark,
    async writeMark(text) {
      shared.mark = text;
    },
    check: async () => undefined,
    async releaseReserve() {
      const had = shared.hasReserve;
      shared.hasReserve = false;
      return had;
    },
    async restoreReserve() {
      shared.hasReserve = true;
    },
  };
}
