/** A row as it is stored. `text` is compared byte for byte by `change`, so it is passed on and never built anew. */
export interface StoredRow {
  readonly key: string;
  readonly text: string;
}

/**
 * One row of a `change`: it must be exactly `old` (undefined: absent), and becomes `next` (undefined: absent). The same
 * text in both means that the row is only compared.
 */
export interface RowChange {
  readonly key: string;
  readonly old: string | undefined;
  readonly next: string | undefined;
}

/** Small pieces of content that a `change` puts and drops. A name is put once in the life of a store. */
export interface PieceChanges {
  readonly put?: readonly SmallPiece[];
  /** Names; one that is absent is no error. */
  readonly drop?: readonly string[];
}

export interface SmallPiece {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A group of rows under a delimiter: `group` is the beginning of their keys, up to and including the delimiter. */
export type Entry = { readonly row: StoredRow } | { readonly group: string };

export interface RangeOptions {
  /** Begin behind this key or group, as an earlier page ended with it. */
  readonly after?: string | undefined;
  /** At most this many entries. */
  readonly limit: number;
}

/**
 * Rows of text under keys, and small pieces of content under names. Keys and names are well-formed Unicode without
 * NUL, ordered by their UTF-8 bytes.
 *
 * @throws ArtifactError `storage_full`, `store_replaced`, `corrupt` or `internal`, with the engine's error as `cause`
 */
export interface MetadataStore {
  get(key: string): Promise<string | undefined>;
  /** In the order of `keys`, absent rows left undefined. */
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>;
  /** Writes without a condition. Only for rows that no `change` names. */
  put(key: string, text: string): Promise<void>;
  /**
   * One atomic step: if each row is as its `old` says, all rows become their `next`, and the pieces are put and
   * dropped; otherwise nothing is changed. Answers whether it was done. No key comes twice.
   *
   * What was done survives power loss once the promise resolves. After an error the outcome is unknown: the change may
   * have been made, or be made later, until another `change` has given one of its compared rows a new text.
   */
  change(rows: readonly RowChange[], pieces?: PieceChanges): Promise<boolean>;
  /** In the order of `names`, absent pieces left undefined. */
  pieces(names: readonly string[]): Promise<(Uint8Array | undefined)[]>;
  /** Names and lengths of small pieces, in the order of the names, behind `after`. */
  listPieces(options: RangeOptions): Promise<{ readonly name: string; readonly bytes: number }[]>;
  /** Rows whose key begins with `prefix`, in order. Costs the page, not the store. */
  range(prefix: string, options: RangeOptions): Promise<StoredRow[]>;
  /**
   * Rows and groups under `prefix`, in order: keys with `delimiter` (one character, a code point) behind the prefix
   * are rolled up into one entry each. Costs the page, not the store.
   */
  grouped(prefix: string, delimiter: string, options: RangeOptions): Promise<Entry[]>;
  /** Gives space that deletions have left back to the system, a bounded amount in one call. */
  reclaim(): Promise<void>;
  /** Everything that is wrong with what the rows are stored in, one line each; none if it is sound. */
  checkIntegrity(): Promise<string[]>;
  /** A value that changes whenever anyone, this process or another, has committed a change. */
  changeToken(): Promise<string>;
  /** Whether what is open is still what lies at the store's place. False: it was removed, moved or replaced. */
  isInPlace(): Promise<boolean>;
}

/** Every row whose key begins with `prefix`, in order, `pageRows` read at a time: a row that comes or goes meanwhile may be missed. */
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
