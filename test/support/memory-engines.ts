import { randomBytes } from "node:crypto";
import type { BlobStore, ByteReader, SegmentWriter, StoredFile } from "../../src/store/ports/content-store.js";
import type { Entry, MetadataStore, StoredRow } from "../../src/store/ports/metadata-store.js";

/** The metadata port over a map, which several stores may share, as processes share a directory. */
export function createMemoryMetadataStore(
  rows = new Map<string, string>(),
): MetadataStore & { readonly rows: Map<string, string> } {
  let changes = 0;
  const write = (key: string, text: string | undefined): void => {
    if (text === undefined) rows.delete(key);
    else rows.set(key, text);
    changes += 1;
  };
  const under = (prefix: string): StoredRow[] =>
    [...rows]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, text]) => ({ key, text }));
  return {
    rows,
    get: async (key) => rows.get(key),
    getMany: async (keys) => keys.map((key) => rows.get(key)),
    put: async (key, text) => write(key, text),
    drop: async (key) => write(key, undefined),
    async replace(key, old, next, guard) {
      if (rows.get(key) !== old || (guard && rows.get(guard.key) !== guard.text)) return false;
      write(key, next);
      return true;
    },
    async range(prefix, { after = "", limit }) {
      return under(prefix)
        .filter(({ key }) => key > after)
        .slice(0, limit);
    },
    async grouped(prefix, delimiter, { after, limit }) {
      const entries = new Map<string, Entry>();
      for (const row of under(prefix)) {
        const at = row.key.indexOf(delimiter, prefix.length);
        const group = row.key.slice(0, at + 1);
        if (at < 0) entries.set(row.key, { row });
        else entries.set(group, { group });
      }
      return [...entries]
        .filter(([position]) => after === undefined || position > after)
        .slice(0, limit)
        .map(([, entry]) => entry);
    },
    checkIntegrity: async () => [],
    changeToken: async () => String(changes),
  };
}

export interface MemoryFile {
  bytes: Buffer;
  /** Unix seconds; a test may make a file older. */
  written_at: number;
}

export interface MemoryBlobOptions {
  /** By `<session>/<name>`. */
  readonly segments?: Map<string, MemoryFile>;
  /** By session. */
  readonly blobs?: Map<string, MemoryFile>;
  /** What tells two segments with the same start apart; random by default. */
  readonly newName?: () => string;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
}

/** The content port over maps; a blob shares its segment's bytes, as a link shares its file. */
export function createMemoryBlobStore(options: MemoryBlobOptions = {}) {
  const { segments = new Map<string, MemoryFile>(), blobs = new Map<string, MemoryFile>() } = options;
  const { newName = () => randomBytes(8).toString("hex"), now = Date.now } = options;
  let hasReserve = true;
  const path = (session: string, name: string): string => `${session}/${name}`;
  const toStored = (name: string, path: string, { bytes, written_at }: MemoryFile): StoredFile => {
    return { name, path, bytes: bytes.length, written_at };
  };
  const reader = (file: MemoryFile | undefined): ByteReader | undefined =>
    file && {
      read: async (start, length) => Buffer.from(file.bytes.subarray(start, start + length)),
      close: async () => undefined,
    };
  const store: BlobStore = {
    async createSegment(session, start): Promise<SegmentWriter> {
      const name = `${start}-${newName()}`;
      const file = { bytes: Buffer.alloc(0), written_at: Math.floor(now() / 1000) };
      segments.set(path(session, name), file);
      return {
        name,
        async write(bytes) {
          file.bytes = Buffer.concat([file.bytes, bytes]);
        },
        sync: async () => undefined,
        async truncate(length) {
          file.bytes = file.bytes.subarray(0, length);
        },
        close: async () => undefined,
      };
    },
    openSegment: async (session, name) => reader(segments.get(path(session, name))),
    async removeSegments(session, names) {
      for (const name of names) segments.delete(path(session, name));
    },
    async removeUpload(session) {
      for (const name of [...segments.keys()]) if (name.startsWith(`${session}/`)) segments.delete(name);
    },
    async install(session, name) {
      const file = segments.get(path(session, name));
      if (file === undefined) return false;
      if (!blobs.has(session)) blobs.set(session, file);
      return true;
    },
    openBlob: async (session) => reader(blobs.get(session)),
    async removeBlob(session) {
      blobs.delete(session);
    },
    stagedSessions: async () => [...new Set([...segments.keys()].map((path) => path.split("/")[0] ?? ""))].sort(),
    async stagedFiles(session) {
      const own = [...segments].filter(([path]) => path.startsWith(`${session}/`)).sort(([a], [b]) => (a < b ? -1 : 1));
      return own.map(([path, file]) => toStored(path.slice(session.length + 1), `uploads/${path}`, file));
    },
    shelves: async () => [...new Set([...blobs.keys()].map((session) => session.slice(0, 2)))],
    async shelvedBlobs(shelf) {
      const own = [...blobs].filter(([session]) => session.startsWith(shelf));
      return own.map(([session, file]) => toStored(session, `blobs/${shelf}/${session}`, file));
    },
    strayFiles: async () => [],
    async setAside(path) {
      const [folder, ...rest] = path.split("/");
      return folder === "uploads" ? segments.delete(rest.join("/")) : blobs.delete(rest[1] ?? "");
    },
    keepAside: async () => undefined,
    async releaseReserve() {
      const had = hasReserve;
      hasReserve = false;
      return had;
    },
    async restoreReserve() {
      hasReserve = true;
    },
  };
  return { ...store, segments, blobs };
}
