import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openTableIn, rowsOf } from "./columnar.js";

function flights(name: string): Uint8Array {
  return readFileSync(fileURLToPath(new URL(`../../../node_modules/vega-datasets/data/${name}`, import.meta.url)));
}

test("flights-3m.parquet has the facts and values that pyarrow finds", async () => {
  const bytes = flights("flights-3m.parquet");
  const table = await openTableIn("a.parquet", bytes);

  expect(table.totalRows).toBe(3_000_000);
  expect(table.columns).toEqual([
    { name: "date", type: "time", empties: 0, least: "2001-01-01T00:01:00.000Z", greatest: "2001-07-01T00:00:00.000Z" },
    { name: "delay", type: "integer", empties: 0, least: -1116, greatest: 1688 },
    { name: "distance", type: "integer", empties: 0, least: 21, greatest: 4962 },
    { name: "origin", type: "text", empties: 0, least: "ABE", greatest: "YAK" },
    { name: "destination", type: "text", empties: 0, least: "ABE", greatest: "YAK" },
  ]);
  // The last row of the first row group, and the first one of the second.
  expect(await rowsOf(table, { from: 272_727, to: 272_728 })).toEqual([
    [new Date("2001-01-17T15:35:00Z"), -10, 419, "HOU", "OKC"],
    [new Date("2001-01-17T15:35:00Z"), 14, 325, "OAK", "BUR"],
  ]);
  let sum = 0;
  for await (const { rows } of table.batches({ columns: [1] })) for (const [delay] of rows) sum += delay as number;
  expect(sum).toBe(20_003_603);
});

test("flights-200k.arrow has the rows of flights-200k.json", async () => {
  const table = await openTableIn("a.arrow", flights("flights-200k.arrow"));
  const expected = JSON.parse(Buffer.from(flights("flights-200k.json")).toString()) as Record<string, number>[];
  const rows = await rowsOf(table);

  expect(table.totalRows).toBe(expected.length);
  expect(table.columns.map(({ name }) => name)).toEqual(Object.keys(expected[0] ?? {}));
  expect(rows.map(([delay, distance]) => [delay, distance])).toEqual(
    expected.map(({ delay, distance }) => [delay, distance]),
  );
  const times = rows.map(([, , time], index) => Math.abs((time as number) - (expected[index]?.["time"] ?? Number.NaN)));
  expect(times.every((difference) => difference < 1e-5)).toBe(true); // the file has single precision
});
