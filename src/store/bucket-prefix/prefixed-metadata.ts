import { changedKey } from "../model/records.js";
import { artifactPrefix } from "../model/row-keys.js";
import type { Entry, MetadataStore, RangeOptions, StoredRow } from "../ports/metadata-store.js";
import { listingUnder } from "./listing-under.js";
import { prefixedIndex } from "./prefixed-index.js";
import { PrefixedRows } from "./prefixed-rows.js";

/**
 * The rows of a store as clients see them whose buckets all begin with `prefix` in the store: everything that reads or
 * writes through it knows the rest of the names, and no row of any other bucket. What is about the whole store is not
 * offered.
 *
 * @param prefix not empty; a bucket's name can begin with it
 */
export function prefixedMetadata(metadata: MetadataStore, prefix: string): MetadataStore {
  const rows = new PrefixedRows(prefix);
  const listing = listingUnder(metadata, prefix, (options) => range(artifactPrefix, options));

  const shownText = (key: string, text: string | undefined): string | undefined =>
    text === undefined ? undefined : rows.shownRow({ key, text })?.text;

  /** @param read reads a page of stored entries */
  async function entries(
    beginning: string,
    { after, limit }: RangeOptions,
    read: (options: RangeOptions) => Promise<Entry[]>,
  ): Promise<Entry[]> {
    const found: Entry[] = [];
    let from = rows.start(beginning, after);
    while (found.length < limit) {
      const wanted = limit - found.length;
      const page = await read({ after: from, limit: wanted });
      found.push(...page.flatMap((entry) => shown(entry) ?? []));
      const last = page.at(-1);
      if (page.length < wanted || last === undefined) break;
      from = rows.behind("row" in last ? last.row.key : last.group);
    }
    return found;
  }

  async function range(beginning: string, options: RangeOptions): Promise<StoredRow[]> {
    const stored = rows.storedBeginning(beginning);
    const found = await entries(beginning, options, async (page) =>
      (await metadata.range(stored, page)).map((row) => ({ row })),
    );
    return found.flatMap((entry): StoredRow[] => ("row" in entry ? [entry.row] : []));
  }

  function shown(entry: Entry): Entry | undefined {
    if ("row" in entry) {
      const row = rows.shownRow(entry.row);
      return row && { row };
    }
    const group = rows.shownKey(entry.group);
    return group === undefined ? undefined : { group };
  }

  return {
    async get(key) {
      if (key === changedKey) return listing();
      const stored = rows.storedKey(key);
      return shownText(stored, await metadata.get(stored));
    },
    async getMany(keys) {
      const stored = keys.map((key) => rows.storedKey(key));
      const texts = await metadata.getMany(stored);
      return stored.map((key, index) => shownText(key, texts[index]));
    },
    change: (changes, pieces) =>
      metadata.change(
        changes.map((change) => rows.storedChange(change)),
        pieces,
      ),
    pieces: (names) => metadata.pieces(names), // their names begin with ids of sessions, which only rows tell
    range,
    async grouped(beginning, delimiter, options) {
      const stored = rows.storedBeginning(beginning);
      return entries(beginning, options, (page) => metadata.grouped(stored, delimiter, page));
    },
    size: (beginning) => metadata.size(prefix + beginning),
    changeToken: () => metadata.changeToken(),
    isInPlace: () => metadata.isInPlace(),
    ...prefixedIndex(metadata, rows, prefix),
    ...wholeStoreOnly,
  };
}

const refuse = (): never => {
  throw new Error("this is about the whole store, and not for clients with a bucket prefix");
};
/** What no code for clients calls. */
const wholeStoreOnly = {
  put: refuse,
  listPieces: refuse,
  reclaim: refuse,
  checkIntegrity: refuse,
  snapshot: refuse,
  compact: refuse,
  checkIndex: refuse,
  rebuildIndex: refuse,
} satisfies Partial<MetadataStore>;
