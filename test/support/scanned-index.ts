import { compareKeys } from "../../src/store/model/key-order.js";
import { isBucket } from "../../src/store/model/names/bucket-name.js";
import { type ArtifactRecord, parseArtifactRow } from "../../src/store/model/records.js";
import { artifactKey, artifactPrefix } from "../../src/store/model/row-keys.js";
import type {
  ArtifactIndex,
  BucketSummary,
  BucketUse,
  FoundArtifact,
  IndexedKey,
  SearchOrder,
  SearchQuery,
} from "../../src/store/ports/artifact-index.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";

type Entry = IndexedKey & { readonly record: ArtifactRecord; readonly newest: ArtifactRecord["versions"][number] };

/**
 * An index that reads all artifact rows for each call.
 *
 * @param ids the numbers of the versions that were seen so far; stores that share rows share this map
 */
export function createScannedIndex(metadata: Pick<MetadataStore, "range">, ids: Map<string, number>): ArtifactIndex {
  async function all(): Promise<Entry[]> {
    const rows = await metadata.range(artifactPrefix, { limit: Number.MAX_SAFE_INTEGER });
    return rows.flatMap((row) => {
      const record = parseArtifactRow(row).value;
      const [newest] = record.versions;
      if (newest === undefined) return [];
      const { bucket, key } = record;
      const name = `${row.key}\t${newest.version}`;
      const id = ids.get(name) ?? ids.size + 1;
      ids.set(name, id);
      return [{ bucket, key, version: newest.version, id, record, newest }];
    });
  }
  const alive = async (now: number, bucketPrefix = ""): Promise<Entry[]> =>
    named(bucketPrefix, await all()).filter((entry) => !hasExpired(entry, now));
  const under = async (bucket: string, prefix: string): Promise<Entry[]> =>
    (await all()).filter((entry) => entry.bucket === bucket && entry.key.startsWith(prefix));

  return {
    async search(query) {
      const entries = (await alive(query.now, query.bucket_prefix))
        .filter((entry) => isMatch(entry, query))
        .sort(orders[query.order]);
      const from = Number(query.after ?? 0);
      const page = entries.slice(from, from + query.limit);
      const found = page.map(
        ({ bucket, key, newest }): FoundArtifact => ({ bucket, key, newest: JSON.stringify(newest) }),
      );
      const end = from + page.length;
      return end < entries.length ? { found, next: String(end) } : { found };
    },
    async buckets({ prefix, now, limit, after, bucket_prefix }) {
      const summaries = new Map<string, BucketSummary>();
      for (const { bucket, newest } of await alive(now, bucket_prefix)) {
        const { artifacts = 0, bytes = 0, newest_at = 0 } = summaries.get(bucket) ?? {};
        summaries.set(bucket, {
          name: bucket,
          artifacts: artifacts + 1,
          bytes: bytes + newest.bytes,
          newest_at: Math.max(newest_at, newest.created_at),
        });
      }
      return [...summaries.values()]
        .filter(({ name }) => name.startsWith(prefix) && (after === undefined || compareKeys(name, after) > 0))
        .slice(0, limit);
    },
    async matching(bucket, prefix, now) {
      const entries = (await under(bucket, prefix)).filter((entry) => !hasExpired(entry, now));
      return { ...useOf(entries), last: Math.max(0, ...entries.map(({ id }) => id)) };
    },
    async keysUnder(bucket, prefix, { last, limit, after, fromEnd, now }) {
      const found = (await under(bucket, prefix))
        .filter(({ id, key }) => id <= last && (after === undefined || compareKeys(key, after) > 0))
        .filter((entry) => now === undefined || !hasExpired(entry, now));
      return (fromEnd ? found.reverse() : found).slice(0, limit).map(toKey);
    },
    async expired(now, { skip, limit, bucket_prefix = "" }) {
      return named(bucket_prefix, await all())
        .filter((entry) => hasExpired(entry, now))
        .sort((a, b) => (a.newest.expires_at ?? 0) - (b.newest.expires_at ?? 0))
        .slice(skip, skip + limit)
        .map(toKey);
    },
    async bucketUse(bucket) {
      return useOf(await under(bucket, ""));
    },
    async aged(bucket, until, { limit, after }) {
      const isAfter = ({ newest, id }: Entry): boolean =>
        after === undefined ||
        newest.created_at > after.created_at ||
        (newest.created_at === after.created_at && id > after.id);
      return (await under(bucket, ""))
        .filter((entry) => entry.newest.created_at <= until && isAfter(entry))
        .sort(orders.oldest)
        .slice(0, limit)
        .map((entry) => ({ ...toKey(entry), created_at: entry.newest.created_at }));
    },
    async countAged(bucket, until) {
      return useOf((await under(bucket, "")).filter(({ newest }) => newest.created_at <= until));
    },
    checkIndex: async () => [],
    rebuildIndex: async () => undefined,
  };
}

/** Bytes are those of all versions. */
function useOf(entries: readonly Entry[]): BucketUse {
  const versions = entries.flatMap(({ record }) => record.versions);
  return { artifacts: entries.length, bytes: versions.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** The entries of the buckets that a bucket prefix leaves, with the rest of the bucket's name. */
const named = (bucketPrefix: string, entries: readonly Entry[]): Entry[] =>
  entries
    .filter(({ bucket }) => bucket.startsWith(bucketPrefix) && isBucket(bucket.slice(bucketPrefix.length)))
    .map((entry) => ({ ...entry, bucket: entry.bucket.slice(bucketPrefix.length) }));

const toKey = ({ bucket, key, version, id }: Entry): IndexedKey => ({ bucket, key, version, id });
const hasExpired = ({ newest }: Entry, now: number): boolean =>
  newest.expires_at !== undefined && newest.expires_at <= now;

const folded = (text: string): string => text.normalize("NFC").toLowerCase().replaceAll("ς", "σ");

const byKey = (a: Entry, b: Entry): number => compareKeys(artifactKey(a.bucket, a.key), artifactKey(b.bucket, b.key));
const orders: Readonly<Record<SearchOrder, (a: Entry, b: Entry) => number>> = {
  newest: (a, b) => b.newest.created_at - a.newest.created_at || b.id - a.id,
  oldest: (a, b) => a.newest.created_at - b.newest.created_at || a.id - b.id,
  largest: (a, b) => b.newest.bytes - a.newest.bytes || byKey(a, b),
  smallest: (a, b) => a.newest.bytes - b.newest.bytes || byKey(a, b),
  key: byKey,
};

function isMatch({ bucket, key, newest }: Entry, query: SearchQuery): boolean {
  const { mime_type, bytes, created_at, metadata } = newest;
  const texts = [bucket, key, ...Object.entries(metadata).flat()].map(folded);
  const { created_after = 0, created_before = Number.POSITIVE_INFINITY } = query;
  const { min_bytes = 0, max_bytes = Number.POSITIVE_INFINITY } = query;
  return (
    query.words.every((word) => texts.some((text) => text.includes(folded(word)))) &&
    (query.bucket ?? bucket) === bucket &&
    key.startsWith(query.prefix ?? "") &&
    isType(mime_type, query.mime_type) &&
    Object.entries(query.metadata ?? {}).every(([name, value]) => metadata[name] === value) &&
    created_after <= created_at &&
    created_at <= created_before &&
    min_bytes <= bytes &&
    bytes <= max_bytes
  );
}

function isType(type: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const plain = (type.split(";")[0] ?? "").trim().toLowerCase();
  const pattern = wanted.toLowerCase();
  return pattern.endsWith("/*") ? plain.startsWith(pattern.slice(0, -1)) : plain === pattern;
}
