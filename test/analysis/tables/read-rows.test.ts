import { readFileSync } from "node:fs";
import fc from "fast-check";
import Papa from "papaparse";
import { describe, expect, test } from "vitest";
import type { Source } from "../../../src/analysis/source.js";
import { readRows } from "../../../src/analysis/tables/read-rows.js";
import type { RowsAnalysis } from "../../../src/store/ports/analyses.js";
import { gzipped, memorySource, unlimited } from "./memory-source.js";

const rowsOf = (source: Source, wanted: Partial<RowsAnalysis> = {}) =>
  readRows(source, { kind: "rows", chars: 8_000, ...wanted }, unlimited);

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1},x${index + 1}\n`).join("");
const ten = memorySource("ten.csv", `n,name\n${numbers(10)}`);
const jsonl = memorySource(
  "a.jsonl",
  '{"a":1,"b":"x"}\n\n{"a":2,"c":[1,{"d":null}]}\r\n{"b":"say \\"no\\"","c":true}\n',
);

describe("which rows", () => {
  test.each([
    [{}, { first: 1, last: 10, total: 10, more: false }],
    [{ row: 3 }, { first: 3, last: 10, total: 10, more: false }],
    [
      { row: 3, rows: 2 },
      { first: 3, last: 4, more: true },
    ],
    [{ rows: 10 }, { first: 1, last: 10, total: 10, more: false }],
    [{ rows: 9 }, { first: 1, last: 9, more: true }],
    [{ row: -3 }, { first: 8, last: 10, total: 10, more: false }],
    [{ rows: -3 }, { first: 8, last: 10, total: 10, more: false }],
    [
      { row: -3, rows: 1 },
      { first: 8, last: 8, total: 10, more: true },
    ],
    [{ row: -99_999 }, { first: 1, last: 10, total: 10, more: false }],
    [
      { row: -99_999, rows: 3 },
      { first: 1, last: 3, total: 10, more: true },
    ],
    [{ rows: -30 }, { first: 1, last: 10, total: 10, more: false }],
    [
      { row: 10, rows: 5 },
      { first: 10, last: 10, total: 10, more: false },
    ],
  ])("%j", async (wanted, facts) => {
    for (const source of [ten, gzipped("ten.csv", `n,name\n${numbers(10)}`)]) {
      const page = await rowsOf(source, wanted);
      expect(page).toMatchObject(facts);
      const lines = Array.from({ length: facts.last - facts.first + 1 }, (_, index) => index + facts.first);
      expect(page.csv).toBe(`n,name\n${lines.map((n) => `${n},x${n}\n`).join("")}`);
      expect(page.total).toBe("total" in facts ? facts.total : undefined);
    }
  });

  test("a row beyond the table is refused, with the number of rows", async () => {
    await expect(rowsOf(ten, { row: 11 })).rejects.toMatchObject({
      code: "invalid_argument",
      message: "The table has 10 rows, and no row 11.",
      details: { argument: "row" },
    });
    await expect(rowsOf(ten, { row: 0 })).rejects.toMatchObject({ details: { argument: "row" } });
    await expect(rowsOf(ten, { row: 2, rows: -1 })).rejects.toMatchObject({ details: { argument: "rows" } });
  });

  test("a table without rows has a header", async () => {
    const page = await rowsOf(memorySource("a.csv", "a,b\n"));
    expect(page).toEqual({ csv: "a,b\n", columns: ["a", "b"], first: 0, last: 0, total: 0, more: false });
  });

  test("a page tells of rows that are too long or too short, though more rows follow", async () => {
    const page = await rowsOf(memorySource("a.csv", "a,b\n1\n1,2,3\n5,6\n7,8\n"), { rows: 2 });
    expect(page).toMatchObject({ csv: "a,b\n1,\n1,2\n", last: 2, more: true, partial: { reason: "damaged" } });
    expect(page.partial?.message).toMatch(/^Row 2 has more cells .* Row 1 has fewer cells/);
  });

  test("the last rows of a table that breaks off are the last ones before", async () => {
    const page = await rowsOf(memorySource("a.csv", 'a,b\n1,2\n3,4\n5,"6\n'), { rows: -1 });
    expect(page).toMatchObject({ csv: "a,b\n3,4\n", first: 2, last: 2, partial: { reason: "damaged" } });
    expect(page.total).toBeUndefined();
  });
});

describe("which columns", () => {
  test("those that are named, in that order, each once", async () => {
    const page = await rowsOf(ten, { columns: ["name", "n", "name"], rows: 1 });
    expect(page).toMatchObject({ csv: "name,n\nx1,1\n", columns: ["name", "n"] });
  });

  test("an unknown one is refused, with the names that there are", async () => {
    await expect(rowsOf(ten, { columns: ["n", "price"] })).rejects.toMatchObject({
      code: "invalid_argument",
      message: 'The table has no column "price". Its columns are "n", "name".',
      details: { argument: "columns" },
    });
  });
});

test("content that is no table is refused, with the argument that asks for rows", async () => {
  const source = memorySource("a.txt", "no table\n");
  for (const [wanted, argument] of [
    [{ columns: ["a"] }, "columns"],
    [{ row: 1 }, "row"],
    [{ rows: 1 }, "rows"],
  ] as const) {
    await expect(rowsOf(source, wanted)).rejects.toMatchObject({ next: "describe_content", details: { argument } });
  }
});

test("cells are quoted where CSV needs it, and nested values are JSON", async () => {
  const page = await rowsOf(jsonl);
  expect(page.csv).toBe('a,b,c\n1,x,\n2,,"[1,{""d"":null}]"\n,"say ""no""",true\n');
  expect((await rowsOf(jsonl, { columns: ["b"] })).csv).toBe('b\nx\n""\n"say ""no"""\n');
});

test("numbers of JSON Lines stay as they are written, if a JavaScript number does not hold them", async () => {
  const source = memorySource("a.jsonl", '{"id":1700000000000000001,"n":1e400,"in":[1700000000000000003]}\n');
  expect((await rowsOf(source)).csv).toBe('id,n,in\n1700000000000000001,1e400,"[""1700000000000000003""]"\n');
});

describe("a page has room for so many characters", () => {
  test("it ends with the last row that fits", async () => {
    const source = memorySource("a.csv", `n,name\n${numbers(1_000)}`);
    const page = await rowsOf(source, { chars: 100 });
    expect(page.csv.length).toBeLessThanOrEqual(100);
    expect(page).toMatchObject({ first: 1, last: 15, more: true }); // 7 + 9 × 5 + 6 × 7 = 94
    expect((await rowsOf(source, { row: page.last + 1, chars: 100 })).csv).toMatch(/^n,name\n16,x16\n/);
  });

  test("long cells of one row are cut", async () => {
    const page = await rowsOf(memorySource("a.csv", `a,b\n${"x".repeat(5_000)},"${'"",'.repeat(3_000)}"\n1,2\n`), {
      chars: 1_000,
    });
    expect(page.csv.length).toBeLessThanOrEqual(1_000);
    expect(page.csv.length).toBeGreaterThan(900);
    expect(page).toMatchObject({ first: 1, last: 1, more: true, cut: 2, cut_columns: ["a", "b"], columns: ["a", "b"] });
    const [, row] = Papa.parse<string[]>(page.csv).data;
    expect(row?.[0]).toMatch(/^x+…$/);
    expect(row?.[1]).toMatch(/^(",)+"?…$/);
  });

  test("the last columns are left out of a wide table, unless columns are named", async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `name${index}`);
    const source = memorySource("a.csv", `${names.join(",")}\n${names.map(() => "123456").join(",")}\n`);
    const page = await rowsOf(source, { chars: 1_000 });
    expect(page.csv.length).toBeLessThanOrEqual(1_000);
    expect(page.csv.length).toBeGreaterThan(950);
    expect(page.columns).toEqual(names.slice(0, page.columns.length));
    expect(page.omitted_columns).toBe(1_000 - page.columns.length);
    expect(page.csv.split("\n")[1]?.split(",")).toHaveLength(page.columns.length);
    const named = await rowsOf(source, { chars: 1_000, columns: names.slice(900) });
    expect(named.columns).toHaveLength(100);
    expect(named.csv.length).toBeLessThanOrEqual(1_000);
    expect(named.cut).toBeGreaterThan(0);
    await expect(rowsOf(source, { chars: 1_000, columns: names })).rejects.toMatchObject({
      details: { argument: "columns" },
    });
  });

  test("whatever is in the table", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "😀"), maxLength: 400 });
    const tables = fc
      .integer({ min: 2, max: 8 })
      .chain((width) =>
        fc.array(fc.array(text, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
      );
    await fc.assert(
      fc.asyncProperty(tables, fc.integer({ min: 100, max: 500 }), fc.boolean(), async (rows, chars, isNamed) => {
        const names = rows[0]?.map((_, index) => `c${index}`) ?? [];
        const source = memorySource("a.csv", Papa.unparse([names, ...rows], { newline: "\n", quotes: true }));
        const page = await rowsOf(source, { chars, ...(isNamed && { columns: names }) });
        expect(page.csv.length).toBeLessThanOrEqual(chars);
        expect(page.first).toBe(1);
        const found = Papa.parse<string[]>(page.csv, { newline: "\n", delimiter: "," }).data.slice(0, -1);
        expect(found).toHaveLength(page.last + 1);
        if (page.cut !== undefined) return;
        const wanted = rows.slice(0, page.last).map((row) => row.slice(0, page.columns.length));
        expect(found).toEqual([page.columns, ...wanted]);
      }),
    );
  });
});

test("rows of a format that says how many there are", async () => {
  const data = new URL("../../../node_modules/vega-datasets/data/", import.meta.url);
  const source = memorySource("flights.arrow", readFileSync(new URL("flights-200k.arrow", data)));
  const flights: readonly { readonly delay: number; readonly distance: number }[] = JSON.parse(
    readFileSync(new URL("flights-200k.json", data), "utf8"),
  );
  const lines = flights.map(({ delay, distance }) => `${delay},${distance}\n`);
  const columns = ["delay", "distance"];
  const total = flights.length;
  expect(await rowsOf(source, { columns, row: -2 })).toMatchObject({
    csv: ["delay,distance\n", ...lines.slice(-2)].join(""),
    first: total - 1,
    last: total,
    total,
    more: false,
  });
  expect(await rowsOf(source, { columns, row: 100_000, rows: 3 })).toMatchObject({
    csv: ["delay,distance\n", ...lines.slice(99_999, 100_002)].join(""),
    total,
    more: true,
  });
  await expect(rowsOf(source, { row: total + 1 })).rejects.toMatchObject({
    message: `The table has ${total} rows, and no row ${total + 1}.`,
  });
});

test("content that is no table says what it is", async () => {
  await expect(rowsOf(memorySource("a.txt", "Some words.\n"))).rejects.toMatchObject({
    code: "invalid_argument",
    next: "describe_content",
    message:
      "The content is taken for text, not for a table. To read it as one, copy or save it under a key that ends in .csv or .tsv.",
  });
});

test.each(["a.csv", "a.json", "a.md", "a.py", "dir.txt/a.yaml", "a.csv.gz"])(
  "text under the name %s is not to be saved under another name",
  async (key) => {
    const message = "The content is taken for text, not for a table.";
    await expect(rowsOf(memorySource(key, "<html>\n<p>Some words.</p>\n"))).rejects.toMatchObject({ message });
  },
);

test.each(["a", "dir.d/a", "a.log", "a.bin", "a.dat", ".hidden"])(
  "text under the name %s may be a table",
  async (key) => {
    const message = expect.stringContaining("copy or save it under a key that ends in .csv or .tsv.");
    await expect(rowsOf(memorySource(key, "Some words.\n"))).rejects.toMatchObject({ message });
  },
);

describe("columns of JSON that only rows behind the first 1,000 have", () => {
  const rows = [...Array<object>(1_500).fill({ a: 1 }), { a: 2, secret: "x" }, { secret: null, b: 3 }];
  const text = rows.map((row) => JSON.stringify(row));
  const sources = [memorySource("a.jsonl", `${text.join("\n")}\n`), memorySource("a.json", `[${text.join(",")}]`)];

  test.each(sources)("are told by the rows that have them: $key", async (source) => {
    expect((await rowsOf(source, { row: 1, rows: 2 })).partial).toBeUndefined();
    const page = await rowsOf(source, { rows: -2 });
    expect(page).toMatchObject({ csv: 'a\n2\n""\n', columns: ["a"], first: 1_501, total: 1_502 });
    expect(page.partial).toEqual({ reason: "size", message: expect.stringContaining('"secret", "b"') });
  });

  test.each(sources)("are read if they are named: $key", async (source) => {
    const last = await rowsOf(source, { rows: -2, columns: ["secret", "b"] });
    expect(last.csv).toBe("secret,b\nx,\n,3\n");
    expect(last.partial).toBeUndefined();
    const first = await rowsOf(source, { rows: 2, columns: ["a", "b"] });
    expect(first).toMatchObject({ csv: "a,b\n1,\n1,\n", more: true });
  });

  test.each(sources)("are refused if no row has them: $key", async (source) => {
    const wanted = { row: 1, rows: 1, columns: ["secret", "none\u202e"] };
    await expect(rowsOf(source, wanted)).rejects.toMatchObject({
      code: "invalid_argument",
      message: 'The table has no column "none\\u202e". Its columns are "a", "secret", "b".',
      details: { argument: "columns" },
    });
  });

  test("are not refused if the time is over before all rows were read", async () => {
    let looks = 0;
    const run = { ...unlimited, isOver: () => ++looks > 5 };
    const [source = ten] = sources;
    const page = await readRows(source, { kind: "rows", chars: 8_000, rows: 1, columns: ["none"] }, run);
    expect(page).toMatchObject({ csv: 'none\n""\n', partial: { reason: "time" } });
  });
});

test("names of columns cannot change how an error is read", async () => {
  const source = memorySource("a.csv", "a,\u202edlo\n1,2\n");
  await expect(rowsOf(source, { columns: ["x"] })).rejects.toMatchObject({
    message: 'The table has no column "x". Its columns are "a", "\\u202edlo".',
  });
});

test("rows from the end are not told if the time is over before all were counted", async () => {
  const source = memorySource("a.csv", `a\n${"1\n".repeat(100_000)}`);
  let looks = 0;
  const page = await readRows(
    source,
    { kind: "rows", chars: 8_000, rows: -2 },
    { ...unlimited, isOver: () => ++looks > 3 },
  );
  expect(page).toMatchObject({ first: 0, last: 0, more: true, partial: { reason: "time" } });
  expect(page.partial?.message).toMatch(/^The time limit was reached after [1-9]\d* rows/);
});
