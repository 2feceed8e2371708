import { describe, expect, test } from "vitest";
import type { Cell } from "../../../src/analysis/tables/table.js";
import { bytesOf, comparable, filesIn, openTableIn, rowsOf } from "./columnar.js";
import expected from "./files/expected.json" with { type: "json" };

interface Expected {
  readonly rows: number;
  readonly columns: readonly string[];
  readonly cells: readonly (readonly unknown[])[];
}

/** What pyarrow read: see files/README.md. */
const files = Object.entries(expected as Record<string, Expected>);
/** Its footer says 0 rows, and its row group has some. */
const contradictions = new Map<string, string>();

describe("files of other programs", () => {
  test("are all looked at", () => {
    expect(files.map(([path]) => path).sort()).toEqual([...filesIn("parquet"), ...filesIn("arrow")].sort());
  });

  test.each(files)("%s has the columns and rows that pyarrow reads", async (path, { rows, columns, cells }) => {
    const table = await openTableIn(path, bytesOf(path));
    const found = (await rowsOf(table)).map((row) => row.map(comparable));

    expect(table.broken()?.message).toBe(contradictions.get(path));
    expect(table.columns.map(({ name }) => name)).toEqual(columns);
    expect(table.totalRows).toBe(rows);
    expect(found).toHaveLength(rows);
    expect(found.slice(0, cells.length)).toEqual(cells);
  });

  test.each(files)("%s has no facts that its values contradict", async (path) => {
    const table = await openTableIn(path, bytesOf(path));
    const rows = await rowsOf(table);
    for (const [index, { type, empties, least, greatest }] of table.columns.entries()) {
      const filled = rows.map((row) => row[index] as Cell).filter((cell) => cell !== null && cell !== "");
      if (empties !== undefined) expect(empties).toBe(rows.length - filled.length);
      if (least === undefined || greatest === undefined) continue;
      const values = filled.map((cell) => (cell instanceof Date ? cell.toISOString() : (cell as number | string)));
      const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      expect({ type, least, greatest }).toEqual({ type, least: sorted[0], greatest: sorted.at(-1) });
    }
  });
});

test("facts come from the footer", async () => {
  const table = await openTableIn("a.parquet", bytesOf("parquet/sort_columns.parquet"));
  // pyarrow reads two row groups of null, 2, 1 with a, b, c.
  expect(table.columns).toEqual([
    { name: "a", type: "integer", empties: 2, least: 1, greatest: 2 },
    { name: "b", type: "text", empties: 0, least: "a", greatest: "c" },
  ]);
});
