import type { ArtifactIndex } from "./artifact-index.js";
import type { StoreSize } from "./store-size.js";

/**
 * A row as it is stored. `change` compares `text` byte for byte: pass it on as it was read, and never build it again.
 */
export interface StoredRow {
  readonly key: string;
  readonly text: string;
}

/**
 * One row of a `change`. The row must be exactly `old` and becomes `next`; undefined means that it is absent. If both
 * are the same text, the row is only compared.
 */
export interface RowChange {
  readonly key: string;
  readonly old: string | undefined;
  readonly next: string | undefined;
}

/** Small pieces of content that a `change` puts and drops. No name is ever put twice in one store. */
export interface PieceChanges {
  readonly put?: readonly SmallPiece[];
  /** Names of pieces. A piece that is absent is no error. */
  readonly drop?: readonly string[];
}

export interface SmallPiece {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A row, or a group of rows: `group` is the beginning of their keys, up to and including the delimiter. */
export type Entry = { readonly row: StoredRow } | { readonly group: string };

export interface RangeOptions {
  /** Begin after this key or group. It is the last entry of the page before. */
  readonly after?: string | undefined;
  /** At most this many entries. */
  readonly limit: number;
}

/** What a compaction has done. */
export interface Compaction {
  /** Size of the database before, without its write-ahead log. */
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/**
 * Stores rows of text under keys, and small pieces of content under names. Keys and names are well-formed Unicode
 * without NUL, and are ordered by their UTF-8 bytes.
 *
 * @throws ArtifactError `storage_full`, `store_replaced`, `corrupt` or `internal`, with the engine's error as `cause`
 */
export interface MetadataStore extends ArtifactIndex {
  get(key: string): Promise<string | undefined>;
  /** The rows in the order of `keys`; undefined for a row that is absent. */
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>;
  /** Writes a row without comparing it. Only for rows that no `change` names. */
  put(key: string, text: string): Promise<void>;
  /**
   * Changes several rows and pieces in one atomic step. If every row equals its `old`, all rows become their `next`,
   * and the pieces are put and dropped. Otherwise nothing is changed. Returns whether the change was made. `rows` must
   * not name a key twice.
   *
   * When the promise has resolved, the change survives power loss. After an error the outcome is unknown: the change
   * may have been made, or may still be made later, until another `change` has given one of its compared rows a new
   * text.
   */
  change(rows: readonly RowChange[], pieces?: PieceChanges): Promise<boolean>;
  /** The pieces in the order of `names`; undefined for a piece that is absent. */
  pieces(names: readonly string[]): Promise<(Uint8Array | undefined)[]>;
  /** Names and lengths of small pieces after `after`, in the order of their names. */
  listPieces(options: RangeOptions): Promise<{ readonly name: string; readonly bytes: number }[]>;
  /** Rows whose key begins with `prefix`, in order. The cost depends on the page, not on the size of the store. */
  range(prefix: string, options: RangeOptions): Promise<StoredRow[]>;
  /**
   * Rows and groups under `prefix`, in order. Keys that have `delimiter` (one code point) after the prefix are grouped:
   * keys with the same beginning up to it become one entry. The cost depends on the page, not on the size of the store.
   */
  grouped(prefix: string, delimiter: string, options: RangeOptions): Promise<Entry[]>;
  /**
   * How much the store holds, as far as this engine knows it.
   *
   * @param bucketPrefix only buckets whose names begin with it, and go on, are counted
   */
  size(bucketPrefix: string): Promise<StoreSize>;
  /**
   * Passes all rows whose keys begin with one of `prefixes` to `visit`, in pages: prefix by prefix, each in order. All
   * pages are of one moment. Changes that are made meanwhile do not show in them, and do not wait. `visit` should only
   * write the rows down: until it has seen the last page, the engine keeps what others overwrite.
   *
   * @throws the error of `visit`
   */
  snapshot(prefixes: readonly string[], visit: (rows: readonly StoredRow[]) => Promise<void>): Promise<void>;
  /** Returns space that deletions have left to the file system. One call returns a limited amount. */
  reclaim(): Promise<void>;
  /** Returns all space that deletions have left to the file system, while others may read and write. */
  compact(): Promise<Compaction>;
  /** Checks the database that holds the rows. Returns one line for each problem; no line if there is none. */
  checkIntegrity(): Promise<string[]>;
  /** A value that differs after any process, this one or another, has committed a change. */
  changeToken(): Promise<string>;
  /** Whether the open database is still the one at the store's path. False if it was removed, moved or replaced. */
  isInPlace(): Promise<boolean>;
}

/**
 * Every row whose key begins with `prefix`, in order. Reads `pageRows` rows at a time, so it may miss a row that is
 * added or removed meanwhile.
 */
export async function* rowsUnder(
  metadata: Pick<MetadataStore, "range">,
  prefix: string,
  pageRows: number,
): AsyncGenerator<StoredRow, void, undefined> {
  let after: string | undefined;
  do {
    const page = await metadata.range(prefix, { after, limit: pageRows });
    yield* page;
    after = page.length < pageRows ? undefined : page.at(-1)?.key;
  } while (after !== undefined);
}
