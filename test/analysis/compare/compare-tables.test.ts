import { gzipSync } from "node:zlib";
import { Table as ArrowTable, type DataType, Float64, Int32, tableToIPC, Utf8, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { compare } from "../../../src/analysis/compare/compare.js";
import type { Run, Source } from "../../../src/analysis/source.js";
import type { Comparison } from "../../../src/store/ports/description.js";
import { endlessRun, sourceOfBytes } from "../../support/byte-sources.js";

async function compareBy(
  by: string | undefined,
  before: Source,
  after: Source,
  chars = 8000,
  run: Run = endlessRun(),
): Promise<Comparison> {
  return compare(before, after, { kind: "compare", names: ["a", "b"], by, chars }, run);
}

const csv = (text: string) => sourceOfBytes(text, "rows.csv", "text/csv");
const jsonl = (...rows: readonly object[]) =>
  sourceOfBytes(rows.map((row) => `${JSON.stringify(row)}\n`).join(""), "rows.jsonl", "application/x-ndjson");

const prices = "id,name,price\n5,pear,3\n6,plum,4\n7,fig,12\n";

describe("compare() of tables", () => {
  it("tells columns, numbers of rows, and the lines of their text", async () => {
    const found = await compareBy(undefined, csv(prices), csv("id,price,colour\n5,3,green\n"));
    expect(found).toMatchObject({
      kind: "table",
      text: { lines_added: 2, lines_removed: 4 },
      table: { columns_added: ["colour"], columns_removed: ["name"], rows_before: 3, rows_after: 1 },
    });
    expect(found.table).not.toHaveProperty("by");
    expect(found).not.toHaveProperty("partial");
  });

  it("matches rows by a column, wherever they are", async () => {
    const after = "id,name,price\n7,fig,13\n5,pear,3\n8,kiwi,\n";
    expect(await compareBy("id", csv(prices), csv(after))).toEqual({
      kind: "table",
      table: {
        columns_added: [],
        columns_removed: [],
        rows_before: 3,
        rows_after: 3,
        by: {
          column: "id",
          rows_added: 1,
          rows_removed: 1,
          rows_changed: 1,
          repeated_keys: 0,
          empty_keys: 0,
          changes: "~ id=7: price 12 -> 13\n+ id=8: name=kiwi, price=\n- id=6\n",
          cut: false,
        },
      },
    });
  });

  it("compares the columns that both have, by their names", async () => {
    const { table } = await compareBy("id", csv(prices), csv("price,id,new\n3,5,x\n5,6,y\n12,7,z\n"));
    expect(table?.by).toMatchObject({ rows_changed: 1, changes: "~ id=6: price 4 -> 5\n" });
  });

  it("compares tables of other formats by their cells", async () => {
    const rows = [
      { id: 5, name: "pear", price: 3 },
      { id: 6, name: "plum", price: null },
      { id: 7, name: "fig", price: 12 },
    ];
    const { text, table } = await compareBy("id", csv(prices), jsonl(...rows));
    expect(text).toBeUndefined();
    expect(table?.by).toMatchObject({ rows_changed: 1, changes: "~ id=6: price 4 -> (empty)\n" });
    const packed = { ...sourceOfBytes(gzipSync(prices.replace("plum", "lime")), "rows.csv.gz", "application/gzip") };
    expect((await compareBy("id", csv(prices), packed)).table?.by).toMatchObject({
      changes: "~ id=6: name plum -> lime\n",
    });
  });

  it("matches rows of one key in their order, and counts them", async () => {
    const before = "id,v\na,1\na,2\n,3\nb,4\n,5\n";
    const after = "id,v\na,1\na,9\na,2\n,3\n,6\n,7\n";
    const { table } = await compareBy("id", csv(before), csv(after));
    expect(table?.by).toMatchObject({
      rows_added: 2,
      rows_removed: 1,
      rows_changed: 2,
      repeated_keys: 3,
      empty_keys: 5,
      changes: "~ id=a: v 2 -> 9\n~ id=: v 5 -> 6\n+ id=a: v=2\n+ id=: v=7\n- id=b\n",
    });
  });

  it("cuts cells, shows them on one line, and cuts the list after a line", async () => {
    const long = "y".repeat(300);
    const { table } = await compareBy("id", csv('id,v\n1,"a\nb"\n'), csv(`id,v\n1,${long}\n`));
    expect(table?.by?.changes).toBe(`~ id=1: v a\\nb -> ${"y".repeat(100)}...\n`);
    const many = Array.from({ length: 500 }, (_, at) => `${at},${at % 2}\n`).join("");
    const added = await compareBy("id", csv("id,v\nx,1\nz,2\n"), csv(`id,v\n${many}z,3\n`), 60);
    expect(added.table?.by).toMatchObject({
      rows_added: 500,
      changes: "~ id=z: v 2 -> 3\n+ id=0: v=0\n+ id=1: v=1\n+ id=2: v=0\n+ and 497 more\n- id=x\n",
      cut: true,
    });
  });

  it("shows values in quotes that have blanks at their ends", async () => {
    const { table } = await compareBy("id", csv("id,v\n1,b \n2,c\n"), csv("id,v\n1,b\n2, c\n 3, \n"));
    expect(table?.by?.changes).toBe('~ id=1: v "b " -> b\n~ id=2: v c -> " c"\n+ id=" 3": v=" "\n');
  });

  it("shows names and values on one line", async () => {
    const [before, after] = [csv("id,v\u2028\n1,b\n"), csv('id,v\u2028\n1,c\u2029\u202e\n2,"a\nb')];
    const { partial, table } = await compare(
      before,
      after,
      { kind: "compare", names: ["a", "b\u2028c"], by: "id", chars: 800 },
      endlessRun(),
    );
    expect(table?.by?.changes).toContain("~ id=1: v\\u2028 b -> c\\u2029\\u202e\n");
    expect(partial?.message).toMatch(/^b\\u2028c: /);
  });

  it("refuses a column that not both have", async () => {
    await expect(compareBy("colour", csv(prices), csv("id,colour\n1,red\n"))).rejects.toMatchObject({
      code: "invalid_argument",
      details: { argument: "by" },
      message: 'Not both tables have a column "colour": a has "id", "name", "price"; b has "id", "colour".',
    });
  });

  it("refuses a key for content that is no table", async () => {
    await expect(
      compareBy("id", csv(prices), sourceOfBytes("prose\n", "notes.txt", "text/plain")),
    ).rejects.toMatchObject({
      code: "invalid_argument",
      next: "describe_content",
      details: { argument: "by", format: "text" },
      message: "b is no table that can be read: its format is text.",
    });
  });

  it("says of which table not all was compared", async () => {
    const broken = await compareBy("id", csv(prices), csv('id,name,price\n5,pear,3\n6,"plum'));
    expect(broken.partial).toMatchObject({ reason: "damaged", message: expect.stringMatching(/^b: /) });
    const damaged = sourceOfBytes(Buffer.from(`PAR1${"\0\xff".repeat(50)}PAR1`, "latin1"), "rows.parquet");
    await expect(compareBy("id", damaged, csv(prices))).rejects.toMatchObject({
      message: expect.stringMatching(/^a is no table that can be read: its format is parquet\. ./),
    });
    expect(await compareBy(undefined, damaged, csv(prices))).toMatchObject({ kind: "bytes" });
  });

  it("says how far it came if the time is over", async () => {
    const rows = Array.from({ length: 50_000 }, (_, at) => `${at},${at}\n`).join("");
    let asked = 0;
    const run: Run = { isOver: () => ++asked > 100, report: () => undefined };
    const { partial, table } = await compareBy("k", csv(`k,v\n${rows}`), csv(`k,v\n${rows}x,1\n`), 8000, run);
    expect(partial).toMatchObject({
      reason: "time",
      message: expect.stringMatching(
        /^The comparison is not complete: the time limit was reached after \d+ rows of a and \d+ /,
      ),
    });
    expect(table?.rows_before).toBeLessThan(50_000);
    expect(table?.by).toMatchObject({ at_least: true, rows_removed: 0 });
  });
});

describe("compare() of tables with the same rows", () => {
  const rows = Array.from({ length: 300 }, (_, at) => `${at + 1},fruit ${at % 7},${(at * 37) % 1000}`);
  const linesOf = (list: readonly string[], end = "\n") =>
    ["id,name,price", ...list].map((line) => line + end).join("");
  const plain = linesOf(rows);
  const packed = sourceOfBytes(gzipSync(plain), "rows.csv.gz", "application/gzip");
  const asJson = jsonl(
    ...rows.map((row) => {
      const [id, name, price] = row.split(",");
      return { price: Number(price), id: Number(id), name };
    }),
  );
  const inQuotes = linesOf(rows.map((row) => row.replace(/fruit \d/, '"$&"')));

  it.each<[string, Source, string | undefined, Partial<Comparison>]>([
    ["compressed", packed, undefined, { same: "text", differs: ["compression"] }],
    ["compressed, by a column", packed, "id", { same: "rows", differs: ["compression"] }],
    ["with other line ends", csv(linesOf(rows, "\r\n")), undefined, { same: "text", differs: ["line_ends"] }],
    ["in another encoding", csv(`\ufeff${plain}`), undefined, { same: "text", differs: ["encoding"] }],
    ["in another order", csv(linesOf(rows.toReversed())), undefined, { same: "rows", differs: ["order"] }],
    ["in another order, by a column", csv(linesOf(rows.toReversed())), "id", { same: "rows", differs: ["order"] }],
    ["in another format", asJson, undefined, { same: "rows", differs: ["format", "column_order"] }],
    ["in another format, by a column", asJson, "id", { same: "rows", differs: ["format", "column_order"] }],
    ["in quotes", csv(inQuotes), undefined, { same: "rows", differs: [] }],
  ])("says so if they are %s", async (_how, after, by, expected) => {
    const found = await compareBy(by, csv(plain), after);
    expect(found).toMatchObject({ kind: "table", ...expected, table: { rows_before: 300, rows_after: 300 } });
    expect(found).not.toHaveProperty("partial");
  });

  it.each<[string, string]>([
    ["one value differs", linesOf(rows.toReversed()).replace("fruit 3", "fruit 33")],
    ["one row is there twice, and one is lost", linesOf([...rows.slice(1), rows[1] ?? ""].toReversed())],
    ["a column has another name", linesOf(rows.toReversed()).replace("price", "cost")],
  ])("does not say so if %s", async (_what, after) => {
    for (const by of [undefined, "id"]) expect(await compareBy(by, csv(plain), csv(after))).not.toHaveProperty("same");
  });

  it("says that the text is the same where rows have a fault", async () => {
    const ragged = plain.replace("fruit 3", "fruit 3,9,9");
    const found = await compareBy(undefined, csv(ragged), sourceOfBytes(gzipSync(ragged), "rows.csv.gz"));
    expect(found).toMatchObject({ same: "text", differs: ["compression"], partial: { reason: "damaged" } });
  });

  it("does not say so of a content that breaks off", async () => {
    const cut = sourceOfBytes(gzipSync(plain).subarray(0, -9), "rows.csv.gz", "application/gzip");
    for (const by of [undefined, "id"]) {
      const found = await compareBy(by, csv(plain), cut);
      expect(found).not.toHaveProperty("same");
      expect(found.partial?.reason).toBe("damaged");
    }
  });
});

describe("compare() of values of another type", () => {
  const arrow = (values: readonly unknown[], type: DataType) => {
    const id = vectorFromArray([1, 2, 3], new Int32());
    return sourceOfBytes(tableToIPC(new ArrowTable({ id, v: vectorFromArray(values, type) }), "file"), "rows.arrow");
  };
  const json = (...values: readonly unknown[]) => jsonl(...values.map((v, at) => ({ id: at + 1, v })));
  const whole = arrow([5, 6, 7], new Int32());

  it.each<[string, Source, Source, string]>([
    ["a text to a number", json("10115", "2"), json(10115, 2), '~ id=1: v "10115" -> 10115\n~ id=2: v "2" -> 2\n'],
    ["a list to a text", json([1, 2], 5), json("[1,2]", 5), '~ id=1: v [1,2] -> "[1,2]"\n'],
    ["a truth to a text", json(true, 5), json("true", 5), '~ id=1: v true -> "true"\n'],
    ["an empty text to null", json("", "b"), json(null, "b"), '~ id=1: v "" -> (empty)\n'],
    ["the key", jsonl({ id: 1, v: 2 }), jsonl({ id: "1", v: 2 }), '~ id=1: id 1 -> "1"\n'],
    [
      "an integer to a number",
      whole,
      arrow([5, 6, 7], new Float64()),
      [5, 6, 7].map((v, at) => `~ id=${at + 1}: v ${v} (integer) -> ${v} (number)\n`).join(""),
    ],
    [
      "an integer to a text",
      whole,
      arrow(["5", "6", "7"], new Utf8()),
      [5, 6, 7].map((v, at) => `~ id=${at + 1}: v ${v} -> "${v}"\n`).join(""),
    ],
    ["a number to a text in another format", whole, json(5, "6", 7), '~ id=2: v 6 -> "6"\n'],
  ])("shows %s", async (_what, before, after, changes) => {
    expect(await compareBy(undefined, before, after)).not.toHaveProperty("same");
    const found = await compareBy("id", before, after);
    expect(found).not.toHaveProperty("same");
    expect(found.table?.by?.changes).toBe(changes);
  });

  it.each<[string, Source, Source]>([
    ["an integer in JSON", whole, json(5, 6, 7)],
    ["a number in JSON", arrow([5, 6, 7], new Float64()), json(5, 6, 7)],
    ["CSV, which has only texts", json("5", 6, null), csv("id,v\n1,5\n2,6\n3,\n")],
  ])("takes %s as the same", async (_what, before, after) => {
    for (const by of [undefined, "id"]) {
      expect(await compareBy(by, before, after)).toMatchObject({ same: "rows", differs: ["format"] });
    }
  });
});

describe("compare() of large changes of tables", () => {
  const row = (id: number) => `${id},${id % 2}\n`;
  const table = (from: number, to: number) =>
    csv(`id,v\n${Array.from({ length: to - from + 1 }, (_, at) => row(from + at)).join("")}`);

  it("names 20 of many rows that were removed, and how many more there are", async () => {
    const { table: found } = await compareBy("id", table(1, 2000), table(1, 1205), 7200);
    const names = Array.from({ length: 20 }, (_, at) => `- id=${1206 + at}\n`).join("");
    expect(found?.by).toMatchObject({ rows_removed: 795, changes: `${names}- and 775 more\n`, cut: true });
  });

  it("shows about 1,500 characters where most rows differ", async () => {
    const { table: found } = await compareBy("id", table(1, 2000), table(5001, 7000), 7200);
    expect(found?.by).toMatchObject({ rows_added: 2000, rows_removed: 2000, cut: true });
    expect(found?.by?.changes.length).toBeLessThan(1600);
    expect(found?.by?.changes.length).toBeGreaterThan(1000);
  });

  it("finds the values of rows that are far apart in both tables", async () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => `${at},${at}\n`);
    const after = rows.with(3, "3,x\n").with(19_000, "19000,y\n").toReversed();
    const { table: found } = await compareBy(
      "id",
      csv(`id,v\n${rows.join("")}`),
      csv(`id,v\n${after.join("")}20000,z\n`),
    );
    expect(found?.by?.changes).toBe("~ id=3: v 3 -> x\n~ id=19000: v 19000 -> y\n+ id=20000: v=z\n");
  });
});

describe("compare() names a column that may name the rows", () => {
  it.each<[string, string, string, string | undefined]>([
    ["the first one whose values are all different", "g,id,n\na,1,1\na,2,2\n", "g,id,n\na,1,1\nb,2,3\n", "id"],
    ["not one that has a value twice in one of them", "id,k\n1,a\n2,b\n", "id,k\n1,a\n1,b\n", "k"],
    ["not one that is empty somewhere", "id,k\n1,a\n,b\n", "id,k\n1,a\n2,b\n", "k"],
    ["one with values that both have", "n,k\n1,a\n2,b\n", "n,k\n3,a\n4,c\n", "k"],
    ["only one that both have", "id,v\n1,x\n2,x\n", "no,v\n1,x\n2,x\n", undefined],
  ])("%s", async (_what, before, after, expected) => {
    expect((await compareBy(undefined, csv(before), csv(after))).table?.likely_key).toBe(expected);
  });

  it("not one that has a value twice far from the first rows of one of them", async () => {
    const rows = Array.from({ length: 3000 }, (_, at) => `${at},k${at}\n`);
    const before = csv(`day,k\n${rows.join("")}`);
    const after = csv(`day,k\n${rows.with(2900, "0,k2900\n").join("")}`);
    for (const [one, other] of [
      [before, after],
      [after, before],
    ] as const) {
      expect((await compareBy(undefined, one, other)).table?.likely_key).toBe("k");
    }
  });
});

describe("compare() of other content", () => {
  it("tells sizes and the first difference", async () => {
    const before = Buffer.alloc(3_000_000, 0xfe);
    const after = Buffer.from(before);
    after[2_500_000] = 1;
    expect(await compareBy(undefined, sourceOfBytes(before), sourceOfBytes(after))).toEqual({
      kind: "bytes",
      bytes: { before: 3_000_000, after: 3_000_000, first_difference: 2_500_000 },
    });
    expect(await compareBy(undefined, sourceOfBytes(before), sourceOfBytes(before.subarray(0, 10)))).toEqual({
      kind: "bytes",
      bytes: { before: 3_000_000, after: 10, first_difference: 10 },
    });
    expect(await compareBy(undefined, sourceOfBytes(before), sourceOfBytes(before))).toEqual({ kind: "identical" });
  });
});
