import { describe, expect, test } from "vitest";
import type { Source } from "../../../src/analysis/source.js";
import { describeTable } from "../../../src/analysis/tables/describe-table.js";
import { openTable } from "../../../src/analysis/tables/open-table.js";
import { readRows } from "../../../src/analysis/tables/read-rows.js";
import type { RowsAnalysis } from "../../../src/store/ports/analyses.js";
import { gzipped, memorySource, unlimited } from "./memory-source.js";

const rowsOf = (source: Source, wanted: Partial<RowsAnalysis> = {}) =>
  readRows(source, { kind: "rows", chars: 8_000, ...wanted }, unlimited);
const json = (text: string | Uint8Array) => memorySource("a.json", text);

const films = [
  { Title: "Ä", Gross: 5, Rating: null },
  { Title: "B", Rating: "R", "IMDB Votes": 1.5 },
  { Title: "", Gross: null, tags: ["x", { y: 1 }] },
];

describe("an array of objects is a table", () => {
  test.each([
    ["in one line", json(JSON.stringify(films))],
    ["in many lines", json(`\n ${JSON.stringify(films, null, 2)}\n`)],
    ["in gzip", gzipped("a.json", JSON.stringify(films))],
    ["in UTF-16", json(Buffer.from(`\ufeff${JSON.stringify(films)}`, "utf16le"))],
    ["with a byte order mark", json(`\ufeff${JSON.stringify(films)}`)],
  ])("%s", async (_, source) => {
    expect((await rowsOf(source)).csv).toBe(
      'Title,Gross,Rating,IMDB Votes,tags\nÄ,5,,,\nB,,R,1.5,\n,,,,"[""x"",{""y"":1}]"\n',
    );
    expect(await rowsOf(source, { columns: ["Rating", "Title"], row: -2, rows: 1 })).toMatchObject({
      csv: "Rating,Title\nR,B\n",
      first: 2,
      total: 3,
    });
    const table = await openTable(source, unlimited);
    const { column_details } = await describeTable(table ?? expect.fail(), unlimited);
    expect(column_details).toMatchObject([
      { name: "Title", type: "text", empties: 1 },
      { name: "Gross", type: "integer", empties: 2 },
      { name: "Rating", type: "text", empties: 2 },
      { name: "IMDB Votes", type: "number", empties: 2 },
      { name: "tags", type: "list", empties: 2 },
    ]);
  });

  test("items that are no objects have columns by number, if the first one is an object", async () => {
    expect((await rowsOf(json('[{"a":1},[2,3],"x",null]'))).csv).toBe("a,column_1,column_2\n1,,\n,2,3\n,x,\n,,\n");
  });

  test("other JSON is none", async () => {
    for (const text of ["[]", "[1,2]", '["[{"]', "{}", '{"data":[{"x":1}]}', "3", '[[{"a":1}]]', "  "]) {
      expect([text, await openTable(json(text), unlimited)]).toEqual([text, undefined]);
    }
  });
});

test("columns that come after the first 1,000 rows are counted, and all rows", async () => {
  const items = [...Array<object>(30_000).fill({ a: "xé😀" }), { b: 1 }];
  const table = await openTable(json(JSON.stringify(items)), unlimited);
  const found = await describeTable(table ?? expect.fail(), unlimited);
  expect(found).toMatchObject({ rows: 30_001, columns: 2, column_details: [{ empties: 1, distinct: 1 }] });
  expect(await rowsOf(json(JSON.stringify(items)), { row: 30_000, rows: 1 })).toMatchObject({
    csv: "a\nxé😀\n",
    first: 30_000,
  });
});

describe("a table that breaks off", () => {
  test.each([
    ['[{"a":1},{"a":2},{"a":', 2, "What follows is no JSON"],
    ['[{"a":1},{"a":2} {"a":3}]', 2, "What follows is no JSON"],
    ['[{"a":1}]]', 1, "What follows is no JSON"],
    [`[{"a":1},{"a":"${"x".repeat(9_000_000)}"}]`, 1, "The next one has more than"],
  ])("after the rows before: %#", async (text, rows, why) => {
    const page = await rowsOf(json(text));
    expect(page).toMatchObject({ last: rows, more: false });
    expect(page.total).toBeUndefined();
    expect(page.partial?.message).toContain(why);
  });
});
