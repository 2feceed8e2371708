/** A row as it is stored: `text` is compared byte for byte by `replace`, so it is passed on and never made anew. */
export interface StoredRow {
  readonly key: string;
  readonly text: string;
}

/** Another row that must still be as it was read: `text` undefined means that it must still be absent. */
export interface Guard {
  readonly key: string;
  readonly text: string | undefined;
}

/** A group of rows under a delimiter: `name` is the part of the keys up to and including it. */
export type Entry = { readonly row: StoredRow } | { readonly group: string };

export interface RangeOptions {
  /** Begin behind this key or group, as an earlier page ended with it. */
  readonly after?: string | undefined;
  /** At most this many entries. */
  readonly limit: number;
}

/**
 * Rows of text under keys, each change one atomic compare-and-set. Keys are ASCII and sorted by their bytes;
 * none holds a character above `z`, nor the separator `:` inside a part.
 *
 * Durability: what has been written survives power loss once the promise resolves. A rejected write may or may
 * not have happened.
 *
 * @throws ArtifactError `storage_full`, `corrupt` or `internal`, with the engine's error as `cause`
 */
export interface MetadataStore {
  get(key: string): Promise<string | undefined>;
  /** In the order of `keys`, absent rows left undefined. */
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>;
  /** Writes without a condition. Only for rows that nobody compares. */
  put(key: string, text: string): Promise<void>;
  /** Drops without a condition; an absent row is no error. */
  drop(key: string): Promise<void>;
  /**
   * In one atomic step: where the row is exactly `old` (undefined: absent) and the guard holds, makes it `next`
   * (undefined: absent). Answers whether it did.
   */
  replace(key: string, old: string | undefined, next: string | undefined, guard?: Guard): Promise<boolean>;
  /** Rows whose key begins with `prefix`, in order. Costs the page, not the store. */
  range(prefix: string, options: RangeOptions): Promise<StoredRow[]>;
  /**
   * Rows and groups under `prefix`, in order: keys that hold `delimiter` (one character) behind the prefix are
   * rolled up into one entry each. Costs the page, not the store.
   */
  grouped(prefix: string, delimiter: string, options: RangeOptions): Promise<Entry[]>;
  /** Everything that is wrong with what the rows are stored in, one line each; none where it is sound. */
  checkIntegrity(): Promise<string[]>;
  /** A value that changes whenever anyone, this process or another, has committed a change. */
  changeToken(): Promise<string>;
}

/** Every row whose key begins with `prefix`, in order, `pageRows` read at a time: what comes or goes meanwhile may be missed. */
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
