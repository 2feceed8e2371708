import { describe, expect, test } from "vitest";
import type { Run, Source } from "../../../src/analysis/source.js";
import { describeTable } from "../../../src/analysis/tables/describe-table.js";
import { openTable } from "../../../src/analysis/tables/open-table.js";
import type { Batch, Table } from "../../../src/analysis/tables/table.js";
import { memorySource, unlimited } from "./memory-source.js";

async function description(source: Source, run: Run = unlimited) {
  const table = await openTable(source, run);
  if (table === undefined) throw new Error("no table");
  return describeTable(table, run);
}

/** The description of one column with these texts. */
async function columnOf(texts: readonly string[]) {
  const { column_details } = await description(memorySource("a.csv", `id,c\n${texts.map((t) => `0,${t}\n`).join("")}`));
  return column_details[1];
}

describe("the type of a column of texts", () => {
  test.each([
    ["integer", ["1", "-2", "+3", "0", "7", ""], 5, { least: -2, greatest: 7 }],
    ["text", ["10", "00501", "99950"], 3, { least: "00501", greatest: "99950" }],
    ["text", ["01", "02", "10"], 3, { least: "01", greatest: "10" }],
    ["text", ["-01", "1.5", "a"], 3, { least: "-01", greatest: "a" }],
    ["number", ["0.5", "-0.5", "0", "0e1"], 4, { least: -0.5, greatest: 0.5 }],
    ["number", ["1", "2.5", "-1e3", ".5", "5."], 5, { least: -1000, greatest: 5 }],
    ["boolean", ["true", "FALSE", "False"], 3, {}],
    [
      "time",
      ["2015-01-02", "2015-01-01 23:59", "2015-01-01T23:59:59.5+02:00"],
      3,
      { least: "2015-01-01T23:59:59.5+02:00", greatest: "2015-01-02" },
    ],
    ["text", ["a", "b"], 2, { least: "a", greatest: "b" }],
    ["text", ["2015-02-30", "2015-13-01"], 2, { least: "2015-02-30", greatest: "2015-13-01" }],
    ["text", ["1 ", "0x10", "1_000", "1e999", "-", "Infinity"], 6, { least: "-", greatest: "Infinity" }],
    ["text", ["\u{1f600}", "\uffee"], 2, { least: "\uffee", greatest: "\u{1f600}" }],
    ["mixed", ["1", "2", "NA"], 3, { least: "1", greatest: "NA" }],
    ["mixed", ["1", "2015-01-01"], 2, { least: "1", greatest: "2015-01-01" }],
    [
      "integer",
      ["9007199254740993", "9007199254740992", "9007199254740994"],
      3,
      { least: "9007199254740992", greatest: "9007199254740994" },
    ],
    ["empty", ["", ""], 0, {}],
  ])("%s: %j", async (type, texts, distinct, extremes) => {
    const { name, values, histogram, ...facts } = (await columnOf(texts)) ?? {};
    const empties = texts.filter((text) => text === "").length;
    expect(facts).toEqual({ type, empties, distinct, distinct_exact: true, ...extremes });
  });

  test("one text among a million numbers is told", async () => {
    const numbers = Array.from({ length: 50_000 }, (_, index) => String(index));
    expect(await columnOf([...numbers, "n/a"])).toEqual({
      name: "c",
      type: "mixed",
      empties: 0,
      least: "0",
      greatest: "n/a",
      distinct: 1_000,
    });
  });

  test("that all values differ is known if they rise or fall", async () => {
    const numbers = Array.from({ length: 12_000 }, (_, index) => index - 20);
    const padded = numbers.map((number) => `id-${String(number + 20).padStart(8, "0")}`);
    for (const texts of [numbers.map(String), numbers.map(String).reverse(), padded, padded.toReversed()]) {
      expect(await columnOf([...texts.slice(0, 5_000), "", ...texts.slice(5_000)])).toMatchObject({
        empties: 1,
        distinct: 12_000,
        distinct_exact: true,
      });
      for (const doubled of [
        [...texts, texts.at(-1) ?? ""],
        [texts[0] ?? "", ...texts],
      ]) {
        const column = await columnOf(doubled);
        expect([column?.distinct, column?.distinct_exact]).toEqual([1_000, undefined]);
      }
    }
  });
});

describe("values", () => {
  test("the 20 most frequent of up to 1,000 different ones", async () => {
    const texts = Array.from({ length: 1_000 }, (_, n) => Array<string>(n < 30 ? 31 - n : 1).fill(`v${n}`)).flat();
    const column = await columnOf(texts);
    expect(column).toMatchObject({ distinct: 1_000, distinct_exact: true });
    expect(column?.values).toEqual(Array.from({ length: 20 }, (_, n) => ({ value: `v${n}`, count: 31 - n })));
    const more = await columnOf([...texts, "another"]);
    expect(more?.distinct).toBe(1_000);
    expect(more?.distinct_exact).toBeUndefined();
    expect(more?.values).toBeUndefined();
  });

  test("texts are shown by their first 100 characters", async () => {
    const column = await columnOf(["b".repeat(200), "a".repeat(200)]);
    expect(column).toMatchObject({ least: "a".repeat(100), greatest: "b".repeat(100), distinct: 2 });
  });
});

describe("the histogram", () => {
  /** The numbers from 0 to 19,999 in an order that is not sorted: 7,919 is prime to 20,000. */
  const shuffled = (count: number) => Array.from({ length: count }, (_, n) => (n * 7_919) % count);

  test("of few different numbers is exact", async () => {
    const column = await columnOf([...Array<string>(50_000).fill("0"), "100", "55", "5"]);
    const counts = [50_000, 1, ...Array<number>(18).fill(0)];
    counts[11] = 1;
    counts[19] = 1;
    expect(column?.histogram).toEqual({ from: 0, to: 100, counts });
  });

  test("of up to 10,000 numbers is exact", async () => {
    const column = await columnOf(shuffled(10_000).map(String));
    expect(column?.histogram).toEqual({ from: 0, to: 9_999, counts: Array<number>(20).fill(500) });
  });

  test.each([1, 0.001, 1e12, 1e300])("of more numbers is near, at a scale of %d", async (scale) => {
    const column = await columnOf(shuffled(200_000).map((n) => String((n - 50_000) * scale)));
    expect(column?.histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(200_000);
    for (const count of column?.histogram?.counts ?? []) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test("an outlier leaves all others in one bin", async () => {
    const column = await columnOf([...shuffled(20_000).map(String), "1e15"]);
    expect(column?.histogram?.counts).toEqual([20_000, ...Array<number>(18).fill(0), 1]);
  });

  test("of times is in milliseconds", async () => {
    const column = await columnOf(["1970-01-01", "1970-01-01T00:00:02Z", "1970-01-01 00:00:01"]);
    expect(column?.histogram).toMatchObject({ from: 0, to: 2_000 });
  });
});

describe("JSON Lines", () => {
  test("have the types of JSON, and times in texts", async () => {
    const rows = [
      { a: 1, b: "1", c: true, d: [1], e: { x: 1 }, f: "2015-01-01", g: null, h: 1.5, i: 1 },
      { a: 2, b: "2", c: false, d: [], e: {}, f: "2015-01-02T00:00:00Z", g: null, h: 2, i: "x" },
    ];
    const found = await description(memorySource("a.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join("")));
    const types = ["integer", "text", "boolean", "list", "object", "time", "empty", "number", "mixed"];
    expect(found.column_details.map(({ type }) => type)).toEqual(types);
    expect(found.column_details[3]).toEqual({ name: "d", type: "list", empties: 0 });
    expect(found.column_details[8]).toMatchObject({ least: "1", greatest: "x", distinct: 2 });
  });

  test("integers beyond 2^53 are exact", async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `{"id":${1_700_000_000_000_000_001n + BigInt(index)}}\n`);
    const found = await description(memorySource("a.jsonl", ids.join("")));
    expect(found.column_details[0]).toMatchObject({
      type: "integer",
      least: "1700000000000000001",
      greatest: "1700000000000000200",
      distinct: 200,
      distinct_exact: true,
    });
  });

  test("absent members are empty, and members that come late are counted", async () => {
    const rows = [...Array<object>(1_000).fill({ a: 1 }), { a: 2, b: 3 }, { b: 4, c: 5 }];
    const found = await description(memorySource("a.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join("")));
    expect(found).toMatchObject({ rows: 1_002, columns: 3 });
    expect(found.column_details).toHaveLength(1);
    expect(found.column_details[0]).toMatchObject({ name: "a", empties: 1, distinct: 2 });
  });

  test("arrays and other values have columns by number", async () => {
    const found = await description(memorySource("a.jsonl", '[1,"x"]\n[2]\n3\n'));
    expect(found.column_details).toMatchObject([
      { name: "column_1", type: "integer", empties: 0, least: 1, greatest: 3 },
      { name: "column_2", type: "text", empties: 2 },
    ]);
  });

  test("a line that is no JSON breaks the table off", async () => {
    const found = await description(memorySource("a.jsonl", '{"a":1}\n{"a":2}\n{"a":\n{"a":4}\n'));
    expect(found).toMatchObject({ rows: 2, partial: { reason: "damaged" } });
    expect(found.partial?.message).toBe(
      "The table breaks off after 2 rows: the next one begins at byte 16 (line 3), and is no JSON. Nothing behind that was read.",
    );
    expect(found.rows_exact).toBeUndefined();
  });
});

test("cells that are too many leave the number of rows exact", async () => {
  const found = await description(memorySource("a.csv", "a,b\n1,2,3\n4,5\n"));
  expect(found).toMatchObject({ rows: 2, rows_exact: true, partial: { reason: "damaged" } });
});

describe("when the time is over", () => {
  const content = memorySource("a.csv", `a,b\n${"1,2\n".repeat(100_000)}`);

  /** A run whose time is over after so many questions. */
  const runOf = (questions: number, reports: unknown[] = []): Run => {
    let asked = 0;
    const isOver = () => {
      asked += 1;
      return asked > questions;
    };
    return { isOver, report: (known) => reports.push(known) };
  };

  test("a description tells what was read, and that there is more", async () => {
    const found = await description(content, runOf(8));
    expect(found.partial?.reason).toBe("time");
    expect(found.rows).toBeGreaterThan(0);
    expect(found.rows).toBeLessThan(100_000);
    expect(found.rows_exact).toBeUndefined();
    expect(found.column_details[0]).toMatchObject({ type: "integer", least: 1, distinct: 1 });
    expect(found.column_details[0]?.distinct_exact).toBeUndefined();
  });

  test("what the format tells is reported before, and exact", async () => {
    const table: Table = {
      format: "parquet",
      columns: [{ name: "a", type: "integer", empties: 5, least: 1, greatest: 99 }],
      totalRows: 1_000,
      async *batches(): AsyncGenerator<Batch, void, undefined> {
        yield { first: 1, rows: [[7n], [8], [null]] };
      },
      broken: () => ({ reason: "time", message: "The time limit was reached." }),
    };
    const reports: unknown[] = [];
    const found = await describeTable(table, { report: (known) => reports.push(known) });
    const column = { name: "a", type: "integer", empties: 5, least: 1, greatest: 99 };
    expect(reports[0]).toMatchObject({
      format: "parquet",
      table: { rows: 1_000, rows_exact: true, columns: 1, column_details: [column] },
    });
    expect(found).toMatchObject({ rows: 1_000, rows_exact: true, partial: { reason: "time" } });
    expect(found.column_details[0]).toMatchObject({ ...column, distinct: 2 });
  });
});
