import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { describe } from "../../../src/analysis/describe/describe.js";
import type { Description } from "../../../src/store/ports/description.js";
import { endlessRun, sourceOfBytes } from "../../support/byte-sources.js";
import facts from "./vega-facts.json" with { type: "json" };

const data = new URL("../../../node_modules/vega-datasets/data/", import.meta.url);
const wanted = Object.entries(facts as unknown as Record<string, Description>);

test("the facts are about all files that are no tables", async () => {
  const names = (await readdir(data)).filter((name) => !/\.(?:csv|tsv|arrow|parquet)$/.test(name));
  expect(names.sort()).toEqual(wanted.map(([name]) => name).sort());
});

test.each(wanted)("describes %s as Python does", async (name, fact) => {
  const content = await readFile(new URL(name, data));
  const { table, ...found } = await describe(sourceOfBytes(content, name), endlessRun());
  expect(found).toEqual(fact);
  const shape = fact.json?.type === "array" ? fact.json.items?.type : undefined;
  expect(table?.rows).toEqual(shape === "object" ? fact.json?.size : undefined);
});

test("describes JSON in gzip as the JSON in it", async () => {
  const content = gzipSync(await readFile(new URL("cars.json", data)));
  const { table, ...found } = await describe(sourceOfBytes(content, "cars.json.gz", "application/gzip"), endlessRun());
  expect(table).toMatchObject({ rows: 406, columns: 9 });
  expect(found).toEqual({ ...facts["cars.json"], compression: "gzip" });
});
