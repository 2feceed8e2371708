import { randomBytes } from "node:crypto";
import { ArtifactError } from "../../src/store/model/errors.js";
import type { ByteReader, ContentStore, NamedPiece, PieceWriter } from "../../src/store/ports/content-store.js";

export interface MemoryFile {
  bytes: Buffer;
  /** Time of the last write in unix seconds. A test may set it to make a file older. */
  written_at: number;
}

export interface MemoryContentOptions {
  /** Files by `<session>/<name>`. Several stores may share the map, as processes share a directory. */
  readonly pieces?: Map<string, MemoryFile>;
  /** Returns the end of a new name, which must be unique; random by default. */
  readonly newName?: () => string;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
}

export type MemoryContentStore = ContentStore & {
  /** Files by `<session>/<name>`. */
  readonly files: Map<string, MemoryFile>;
};

/** A content store in memory, over a map. */
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

  /** A copy of the bytes that count. Undefined if the piece is gone. */
  function copyOf(session: string, { name, bytes }: NamedPiece): Buffer | undefined {
    const file = files.get(pathOf(session, name));
    if (file === undefined) return undefined;
    if (file.bytes.length < bytes) throw new ArtifactError("corrupt", "A piece is shorter than its row says.");
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
    ...sharedStateMethods(files),
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

interface SharedState {
  mark: string | undefined;
  hasReserve: boolean;
}

/** State that stores share if they share the map of files. */
const sharedStates = new WeakMap<Map<string, MemoryFile>, SharedState>();

type SharedStateMethods = Pick<ContentStore, "readMark" | "writeMark" | "check" | "releaseReserve" | "restoreReserve">;

function sharedStateMethods(files: Map<string, MemoryFile>): SharedStateMethods {
  const shared = sharedStates.get(files) ?? { mark: undefined, hasReserve: true };
  sharedStates.set(files, shared);
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
