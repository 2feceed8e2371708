import { setImmediate } from "node:timers/promises";
import type { Page, PageOptions } from "../../../store/model/cursor.js";
import { largestPageLimit } from "../../../store/model/limits.js";

/** Entries of the first page: few, so that the first line is printed at once. */
const firstLimit = 100;

/** All pages of a listing, one after the other. @throws the reason of `signal` when it aborts */
export async function* pagesOf<Item, Listed extends Page<Item>>(
  read: (options: PageOptions) => Promise<Listed>,
  signal: AbortSignal,
): AsyncGenerator<Listed, void, undefined> {
  let page = await read({ limit: firstLimit });
  for (;;) {
    yield page;
    await setImmediate(); // rows are read without waiting for anything, so a signal would have no turn
    signal.throwIfAborted();
    if (page.next_cursor === undefined) return;
    page = await read({ limit: largestPageLimit, cursor: page.next_cursor });
  }
}
