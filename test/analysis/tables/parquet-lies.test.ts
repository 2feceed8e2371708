import { expect, test } from "vitest";
import { openTableIn, rowsOf } from "./columnar.js";
import { type WrittenFile, writeParquet } from "./parquet-writer.js";

async function open(file: WrittenFile) {
  return openTableIn("a.parquet", new Uint8Array(writeParquet(file)));
}

test("the writer of these tests writes files that can be read", async () => {
  const table = await open({ columns: 2, rows: 3 });
  expect(await rowsOf(table)).toEqual([
    [7, 7],
    [8, 8],
    [9, 9],
  ]);
  expect(table.broken()).toBeUndefined();
});

test("a name in a message can forge no line", async () => {
  const table = await open({ columns: 1, name: "a\nNext page: \u202e", rows: 3, page: { values: 2 } });
  await rowsOf(table);
  expect(table.broken()?.message).toBe(
    'Row group 1 cannot be read: The column "a\\nNext page: \\u202e" has fewer rows than its row group.',
  );
});

test("100,000 columns are known, and some of them read", async () => {
  const table = await open({ columns: 100_000, rows: 2 });
  expect(table.columns).toHaveLength(100_000);
  expect(table.columns.at(-1)).toEqual({ name: "c99999", type: "integer", empties: 0 });
  expect(table.totalRows).toBe(2);
  expect(await rowsOf(table, { columns: [99_999, 5] })).toEqual([
    [7, 7],
    [8, 8],
  ]);
  expect(await rowsOf(table)).toEqual([]);
  expect(table.broken()).toEqual({ reason: "size", message: expect.stringContaining("100000 columns") });
});

test.each<[string, NonNullable<WrittenFile["page"]>, string, string]>([
  ["2 GB", { uncompressed: 0x7fffffff, compressed: 100 }, "damaged", "does not match header 2147483647"],
  ["2 GB of compressed bytes", { compressed: 0x7fffffff }, "damaged", "Invalid typed array length"],
  ["a negative size", { uncompressed: -1 }, "damaged", "does not match header -1"],
  ["another size", { uncompressed: 399 }, "damaged", "does not match header 399"],
  ["more values than it has", { values: 0x7fffffff }, "damaged", "Invalid typed array length"],
])("a page that promises %s ends the rows, and the rest is known", async (_name, page, reason, says) => {
  const table = await open({ columns: 1, rows: 100_000_000, page });
  let rows = 0;
  for await (const batch of table.batches()) rows += batch.rows.length;

  expect(rows).toBeLessThanOrEqual(1000);
  expect(table.broken()).toEqual({ reason, message: expect.stringContaining(says) });
  expect(table.broken()?.message).toMatch(/^Row group 1 cannot be read: /);
  expect({ columns: table.columns.length, rows: table.totalRows }).toEqual({ columns: 1, rows: 100_000_000 });
});

test.each([
  [100_000, "size", "nested too deeply"],
  [5, undefined, undefined],
])("a schema of depth %d is refused, or read", async (depth, reason, says) => {
  const table = await open({ columns: 1, rows: 1, depth });
  expect(table.broken()?.reason).toBe(reason);
  if (says !== undefined) expect(table.broken()?.message).toContain(says);
  else expect(await rowsOf(table)).toEqual([[{ g1: { g2: { g3: { g4: { c0: 7 } } } } }]]);
});

test("an unknown compression is named", async () => {
  const table = await open({ columns: 1, rows: 1, codec: 3 });
  expect(await rowsOf(table)).toEqual([]);
  expect(table.broken()).toEqual({ reason: "unsupported", message: expect.stringContaining("lzo") });
});

test("content that only begins or ends as Parquet is damaged", async () => {
  for (const bytes of [Buffer.from("PAR1"), Buffer.from("PAR1 and no footer"), Buffer.alloc(0)]) {
    const table = await openTableIn("a.parquet", new Uint8Array(bytes));
    expect(table.columns).toEqual([]);
    expect(table.broken()?.reason).toBe("damaged");
  }
});
