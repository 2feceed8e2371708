import type { Page, PageOptions } from "../../../store/model/cursor.js";
import { largestPageLimit } from "../../../store/model/limits.js";

/** Entries of the first page: few, so that the first line is printed at once. */
const firstLimit = 100;

/** All pages of a listing, one after the other. */
export async function* pagesOf<Item, Listed extends Page<Item>>(
  read: (options: PageOptions) => Promise<Listed>,
): AsyncGenerator<Listed, void, undefined> {
  let page = await read({ limit: firstLimit });
  for (;;) {
    yield page;
    if (page.next_cursor === undefined) return;
    page = await read({ limit: largestPageLimit, cursor: page.next_cursor });
  }
}
