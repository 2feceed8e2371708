import { expect, test } from "vitest";
import { describe as describeContent } from "../../../src/analysis/describe/describe.js";
import { memorySource, unlimited } from "../tables/memory-source.js";

const KiB = 1024;
const columns = Array.from({ length: 200 }, (_, index) => index);

async function described(key: string, text: string) {
  const description = await describeContent(memorySource(key, text), unlimited);
  expect(Buffer.byteLength(JSON.stringify(description))).toBeLessThanOrEqual(256 * KiB);
  return description;
}

test("200 columns of long names and long texts: the description of each has fewer values", async () => {
  const row = (row: number) => columns.map((column) => `${row} ${column} ${"値".repeat(300)}`).join(",");
  const names = columns.map((column) => `${column}${"字".repeat(985)}`).join(",");
  const { table } = await described("a.csv", `${names}\n${Array.from({ length: 20 }, (_, n) => row(n)).join("\n")}\n`);
  expect(table).toMatchObject({ rows: 20, columns: 200 });
  expect(table?.column_details).toHaveLength(200);
  const [first] = table?.column_details ?? [];
  expect(first).toMatchObject({ name: expect.stringMatching(/^0字+…$/), type: "text", distinct: 20 });
  expect(first?.values?.[0]).toEqual({ value: expect.stringMatching(/^0 0 値+…$/), count: 1 });
});

test("200 columns of usual texts are told in full", async () => {
  const rows = Array.from({ length: 100 }, (_, row) => columns.map((column) => `text ${row % 20} ${column}`).join(","));
  const { table } = await described("a.csv", `${columns.map((n) => `name${n}`).join(",")}\n${rows.join("\n")}\n`);
  expect(table?.column_details[199]?.values).toHaveLength(20);
});

test("JSON with 2,500 long names", async () => {
  const members = (value: (index: number) => unknown) =>
    Object.fromEntries(columns.slice(0, 50).map((index) => [`${index}${"字".repeat(190)}`, value(index)]));
  const { json } = await described("a.json", JSON.stringify(members(() => members((index) => index))));
  expect(Object.keys(json?.members ?? {})).toHaveLength(50);
});
