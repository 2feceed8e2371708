import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeTable } from "../../../src/analysis/tables/describe-table.js";
import { openTable } from "../../../src/analysis/tables/open-table.js";
import { gzipped, memorySource, unlimited } from "./memory-source.js";

/** Made by expected.py with Python's csv and json modules. */
interface Expected {
  readonly file: string;
  readonly rows: number;
  readonly columns: readonly Record<string, unknown>[];
}

const tables: readonly Expected[] = JSON.parse(readFileSync(new URL("expected.json", import.meta.url), "utf8"));
const folder = new URL("../../../node_modules/vega-datasets/data", import.meta.url).pathname;

/** Arrays of objects become JSON Lines. */
function contentOf(file: string): { readonly key: string; readonly content: Buffer | string } {
  const content = readFileSync(join(folder, file));
  if (!file.endsWith(".json")) return { key: file, content };
  const lines = JSON.parse(content.toString("utf8")).map((one: unknown) => `${JSON.stringify(one)}\n`);
  return { key: `${file}l`, content: lines.join("") };
}

test.each(tables)("describe() tells what Python finds in $file", async ({ file, rows, columns }) => {
  const { key, content } = contentOf(file);
  const json = file.endsWith(".json") ? [memorySource(file, readFileSync(join(folder, file)))] : [];
  for (const source of [memorySource(key, content), gzipped(key, content), ...json]) {
    const table = await openTable(source, unlimited);
    const description = table && (await describeTable(table, unlimited));
    expect(description).toMatchObject({ rows, columns: columns.length });
    expect(description?.partial).toBeUndefined();
    const found = description?.column_details.map(({ values, histogram, distinct_exact, ...facts }) =>
      distinct_exact ? facts : { ...facts, distinct: facts.distinct === undefined ? undefined : "many" },
    );
    const isMany = (index: number) => found?.[index]?.distinct === "many";
    const wanted = columns.map(({ distinct, ...facts }, index) =>
      distinct === undefined
        ? facts
        : { ...facts, distinct: Number(distinct) > 1_000 && isMany(index) ? "many" : distinct },
    );
    expect(found).toEqual(wanted);
  }
});

test.each(tables)("the counts of values and of the histogram of $file add up", async ({ file, rows }) => {
  const { key, content } = contentOf(file);
  const table = await openTable(memorySource(key, content), unlimited);
  const description = table && (await describeTable(table, unlimited));
  for (const { type, empties, distinct = 0, values = [], histogram, least, greatest } of description?.column_details ??
    []) {
    const shown = values.reduce((sum, { count }) => sum + count, 0);
    if (distinct > 0 && distinct <= 20) expect(shown).toBe(rows - empties);
    if (!["integer", "number", "time"].includes(type) || least === greatest) continue;
    expect(histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(rows - empties);
    if (type !== "time") expect([histogram?.from, histogram?.to]).toEqual([least, greatest]);
  }
});
