import { describe, expect, it } from "vitest";
import { pagesOf } from "../../../../src/cli/store-commands/listing/pages.js";

/** Enough pages for a timer to get its turn among them, if it gets one at all. */
const manyPages = 100_000;

describe("pagesOf()", () => {
  it("follows the cursors to the last page, with a short page first", async () => {
    const asked: object[] = [];
    const read = async (options: { readonly limit: number; readonly cursor?: string | undefined }) => {
      asked.push(options);
      return asked.length < 3 ? { data: [asked.length], next_cursor: `c${asked.length}` } : { data: [3] };
    };
    const pages: number[] = [];
    for await (const { data } of pagesOf(read, new AbortController().signal)) pages.push(...data);
    expect(pages).toEqual([1, 2, 3]);
    expect(asked).toEqual([{ limit: 100 }, { limit: 1000, cursor: "c1" }, { limit: 1000, cursor: "c2" }]);
  });

  it("gives a signal its turn although each page is there at once", async () => {
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(), 0);
    let pages = 0;
    const reading = (async () => {
      for await (const _page of pagesOf(async () => ({ data: [], next_cursor: "c" }), stopping.signal)) {
        pages += 1;
        if (pages === manyPages) return;
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
  });
});
