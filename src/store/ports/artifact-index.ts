/** The orders of a search. `newest` and `oldest` are by the time of the newest version; equal entries have any order. */
export const SEARCH_ORDERS = ["newest", "oldest", "largest", "smallest", "key"] as const;
export type SearchOrder = (typeof SEARCH_ORDERS)[number];

/** What an artifact must be like. All given conditions must hold for its newest version. */
export interface SearchConditions {
  /** Each must be a part of the bucket, the key, or a name or a value of the metadata. Case is ignored. */
  readonly words: readonly string[];
  readonly bucket?: string | undefined;
  /** The beginning of the key. */
  readonly prefix?: string | undefined;
  /** A media type without parameters, like `text/csv`, or all of a kind, like `text/*`. Case is ignored. */
  readonly mime_type?: string | undefined;
  /** Pairs that the metadata must have. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Unix seconds; the time itself is included. */
  readonly created_after?: number | undefined;
  /** Unix seconds; the time itself is included. */
  readonly created_before?: number | undefined;
  readonly min_bytes?: number | undefined;
  readonly max_bytes?: number | undefined;
}

/** Limits a reading of the index to a part of the buckets, which have shorter names in it. */
export interface BucketPrefix {
  /**
   * Only the buckets whose name begins with this text, and goes on as a bucket's name can begin. Everything that is
   * asked and answered has the rest of the name in place of the name: other buckets, words and positions too.
   */
  readonly bucket_prefix?: string | undefined;
}

export interface SearchQuery extends SearchConditions, BucketPrefix {
  readonly order: SearchOrder;
  /** Unix seconds. Artifacts that have expired at this time are left out. */
  readonly now: number;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

export interface FoundArtifact {
  readonly bucket: string;
  readonly key: string;
  /** The newest version as it is in the artifact's row, as JSON. */
  readonly newest: string;
}

/** A page may be short, or empty, although there are more: a search looks at a limited number of artifacts. */
export interface SearchPage {
  readonly found: readonly FoundArtifact[];
  /** Where the next page begins; undefined on the last page. */
  readonly next?: string | undefined;
}

export interface BucketSummary {
  readonly name: string;
  /** Number of keys. */
  readonly artifacts: number;
  /** Bytes of their newest versions. */
  readonly bytes: number;
  /** Time of the newest version in the bucket, in unix seconds. */
  readonly newest_at: number;
}

/** What lies under a prefix. */
export interface MatchingArtifacts {
  readonly artifacts: number;
  /** Bytes of all their versions. */
  readonly bytes: number;
  /** The highest number of `IndexedKey.id`; 0 if nothing matches. */
  readonly last: number;
}

/** What a bucket holds, with what has expired and no sweep has freed yet. */
export interface BucketUse {
  readonly artifacts: number;
  /** Bytes of all their versions. */
  readonly bytes: number;
}

export interface IndexedKey {
  readonly bucket: string;
  readonly key: string;
  /** The number of the newest version. */
  readonly version: number;
  /** Grows with each new version of any key. Changes of metadata or expiry leave it as it is. */
  readonly id: number;
}

/** A key whose newest version is old. */
export interface AgedKey extends IndexedKey {
  /** When that version was made, in unix seconds. */
  readonly created_at: number;
}

/**
 * Finds artifacts by their facts. The index follows from the artifact rows, and changes with them in one transaction: a
 * search sees every change that was acknowledged before it began. It can be made again from the rows at any time.
 */
export interface ArtifactIndex {
  search(query: SearchQuery): Promise<SearchPage>;
  /** The buckets that hold an artifact at the time `now`, in the order of their names, after the bucket `after`. */
  buckets(
    options: BucketPrefix & {
      readonly prefix: string;
      readonly now: number;
      readonly limit: number;
      readonly after?: string | undefined;
    },
  ): Promise<readonly BucketSummary[]>;
  /** Counts the artifacts under a prefix that have not expired at the time `now`. */
  matching(bucket: string, prefix: string, now: number): Promise<MatchingArtifacts>;
  /**
   * Keys under a prefix whose `id` is at most `last`: in their order after the key `after`, or from the end. `now`: only
   * those that have not expired at this time.
   */
  keysUnder(
    bucket: string,
    prefix: string,
    options: {
      readonly last: number;
      readonly limit: number;
      readonly after?: string | undefined;
      readonly fromEnd?: boolean;
      readonly now?: number;
    },
  ): Promise<readonly IndexedKey[]>;
  /** Keys that have expired at the time `now` in unix seconds, in the order of their expiry, without the first `skip`. */
  expired(
    now: number,
    options: BucketPrefix & { readonly skip: number; readonly limit: number },
  ): Promise<readonly IndexedKey[]>;
  /** Costs the same for a bucket of any size. All is 0 for a bucket that holds nothing. */
  bucketUse(bucket: string): Promise<BucketUse>;
  /**
   * Keys of a bucket whose newest version was made at `until` in unix seconds or before, the oldest first, after the key
   * `after`. Keys that have expired are among them. The cost depends on the page, not on the bucket.
   */
  aged(
    bucket: string,
    until: number,
    options: { readonly limit: number; readonly after?: AgedKey | undefined },
  ): Promise<readonly AgedKey[]>;
  /** Counts all these keys. */
  countAged(bucket: string, until: number): Promise<BucketUse>;
  /** Compares the index with the rows. Returns one line for each difference, 100 at most. */
  checkIndex(): Promise<string[]>;
  /** Makes the index again from the rows. */
  rebuildIndex(): Promise<void>;
}
