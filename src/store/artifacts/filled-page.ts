import type { RangeOptions } from "../ports/metadata-store.js";

/** An entry as a page shows it, and its position in the listing. */
export interface Shown<Item> {
  readonly item: Item;
  readonly position: string;
}

export interface Reading<Entry, Item> {
  /** Reads entries in order. Returns fewer than `limit` only at the end. */
  read(options: RangeOptions): Promise<readonly Entry[]>;
  position(entry: Entry): string;
  /** Returns undefined for an entry that is left out. */
  show(entry: Entry): Item | undefined | Promise<Item | undefined>;
}

/** After the first read, at least this many entries are read at a time, because many in a row may be left out. */
const refillEntries = 100;

/** Reads on until `limit` entries are shown, or none is left. */
export async function filledPage<Entry, Item>(
  { read, position, show }: Reading<Entry, Item>,
  { after, limit }: RangeOptions,
): Promise<readonly Shown<Item>[]> {
  const shown: Shown<Item>[] = [];
  let from = after;
  for (let atOnce = limit; ; atOnce = Math.max(limit, refillEntries)) {
    const entries = await read({ after: from, limit: atOnce });
    for (const entry of entries) {
      const item = await show(entry);
      if (item !== undefined) shown.push({ item, position: position(entry) });
      if (shown.length === limit) return shown;
    }
    const last = entries.at(-1);
    if (last === undefined || entries.length < atOnce) return shown;
    from = position(last);
  }
}
