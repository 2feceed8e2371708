import { openPrefix, parseArtifactRow } from "../../src/store/model/records.js";
import { artifactPrefix } from "../../src/store/model/row-keys.js";
import type { Entry, MetadataStore, RangeOptions, StoredRow } from "../../src/store/ports/metadata-store.js";
import { createScannedIndex } from "./scanned-index.js";

export interface MemoryMetadataOptions {
  /** Texts by key. Stores that share this map and `pieces` are like processes that share a database. */
  readonly rows?: Map<string, string>;
  /** Bytes of small pieces, by name. */
  readonly pieces?: Map<string, Uint8Array>;
}

export interface MemoryMetadataStore extends MetadataStore {
  readonly rows: Map<string, string>;
  readonly pieceMap: Map<string, Uint8Array>;
}

/** The numbers of the versions in each map of rows, for the index. */
const versionIds = new WeakMap<Map<string, string>, Map<string, number>>();
/** The number of changes of each map of rows, by any store. */
const changeCounts = new WeakMap<Map<string, string>, number>();

/** A few, so that small stores have several pages. */
const snapshotRows = 3;

/** Throws for a NUL, which no key of SQLite has. */
function withoutNul(key: string): string {
  if (key.includes("\0")) throw new Error("a key has a NUL");
  return key;
}

/** A metadata store in memory, over two maps. */
export function createMemoryMetadataStore({
  rows = new Map<string, string>(),
  pieces: pieceMap = new Map<string, Uint8Array>(),
}: MemoryMetadataOptions = {}): MemoryMetadataStore {
  const write = (key: string, text: string | undefined): void => {
    if (text === undefined) rows.delete(key);
    else rows.set(key, text);
  };
  const countChange = (): void => void changeCounts.set(rows, (changeCounts.get(rows) ?? 0) + 1);
  const under = (prefix: string): StoredRow[] =>
    [...rows]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => byBytes(a, b))
      .map(([key, text]) => ({ key, text }));
  const range = async (prefix: string, { after, limit }: RangeOptions): Promise<StoredRow[]> =>
    under(prefix)
      .filter(({ key }) => isBehind(key, after))
      .slice(0, limit);
  const ids = versionIds.get(rows) ?? new Map<string, number>();
  versionIds.set(rows, ids);
  const index = createScannedIndex({ range }, ids);
  return {
    ...index,
    rows,
    pieceMap,
    get: async (key) => rows.get(withoutNul(key)),
    getMany: async (keys) => keys.map((key) => rows.get(withoutNul(key))),
    async put(key, text) {
      write(key, text);
      countChange();
    },
    async change(changed, { put = [], drop = [] } = {}) {
      if (new Set(changed.map(({ key }) => key)).size < changed.length) throw new Error("a change names a key twice");
      if (!changed.every(({ key, old }) => rows.get(key) === old)) return false;
      for (const { key, next } of changed) write(key, next);
      for (const { name, bytes } of put) pieceMap.set(name, new Uint8Array(bytes));
      for (const name of drop) pieceMap.delete(name);
      countChange();
      return true;
    },
    pieces: async (names) =>
      names.map((name) => {
        const bytes = pieceMap.get(name);
        return bytes && new Uint8Array(bytes);
      }),
    async listPieces({ after, limit }) {
      return [...pieceMap]
        .filter(([name]) => isBehind(name, after))
        .sort(([a], [b]) => byBytes(a, b))
        .slice(0, limit)
        .map(([name, bytes]) => ({ name, bytes: bytes.length }));
    },
    range,
    async grouped(prefix, delimiter, { after, limit }) {
      const entries = entriesOf(under(prefix), prefix.length, delimiter);
      return [...entries]
        .filter(([position]) => isBehind(position, after))
        .slice(0, limit)
        .map(([, entry]) => entry);
    },
    async size(bucketPrefix) {
      const options = { prefix: "", now: 0, limit: Number.MAX_SAFE_INTEGER };
      const buckets = await index.buckets({ ...options, bucket_prefix: bucketPrefix });
      const isCounted = ({ key }: StoredRow): boolean => {
        const [, bucket = ""] = key.split("\t");
        const rest = bucket.slice(bucketPrefix.length); // it must be a name of a bucket
        return bucketPrefix === "" || (bucket.startsWith(bucketPrefix) && rest !== "" && !rest.startsWith("."));
      };
      return {
        buckets: buckets.length,
        artifacts: buckets.reduce((sum, { artifacts }) => sum + artifacts, 0),
        newestBytes: buckets.reduce((sum, { bytes }) => sum + bytes, 0),
        bytes: under(artifactPrefix)
          .filter(isCounted)
          .reduce((sum, row) => sum + bytesOf(row), 0),
        openUploads: under(openPrefix()).filter(isCounted).length,
        databaseBytes: 0,
        freeDatabaseBytes: 0,
        freeDiskBytes: undefined,
      };
    },
    async snapshot(prefixes, visit) {
      const pages = prefixes.map(under); // before the first page is visited
      for (const page of pages) {
        for (let at = 0; at < page.length; at += snapshotRows) await visit(page.slice(at, at + snapshotRows));
      }
    },
    reclaim: async () => undefined,
    compact: async () => ({ beforeBytes: 0, afterBytes: 0 }),
    checkIntegrity: async () => [],
    changeToken: async () => String(changeCounts.get(rows) ?? 0),
    isInPlace: async () => true,
  };
}

/** Bytes of all versions of a key. */
const bytesOf = (row: StoredRow): number =>
  parseArtifactRow(row).value.versions.reduce((sum, { bytes }) => sum + bytes, 0);

function entriesOf(rows: readonly StoredRow[], skip: number, delimiter: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const row of rows) {
    const at = row.key.indexOf(delimiter, skip);
    const group = row.key.slice(0, at + delimiter.length);
    if (at < 0) entries.set(row.key, { row });
    else entries.set(group, { group });
  }
  return entries;
}

/** Compares by UTF-8 bytes. JavaScript's own order is by UTF-16 code units. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const isBehind = (position: string, after: string | undefined): boolean =>
  after === undefined || byBytes(position, after) > 0;
