import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { describe } from "../../../src/analysis/describe/describe.js";
import { endlessRun, sourceOfBytes } from "../../support/byte-sources.js";
import files from "../tables/files/expected.json" with { type: "json" };

const brief = (bytes: Uint8Array | string, key: string) => describe(sourceOfBytes(bytes, key), endlessRun(), true);

test.each(["parquet/rowgroups.parquet", "arrow/datetime.arrow"] as const)(
  "a brief description of %s tells its rows and columns, and reads no values",
  async (name) => {
    const content = readFileSync(new URL(`../tables/files/${name}`, import.meta.url));
    const spoiled = Buffer.from(content);
    if (name.endsWith(".parquet")) spoiled.fill(0xff, 4, 200); // pages of values; the footer stays
    const { format, table, partial } = await brief(spoiled, name);
    const { rows, columns } = files[name];
    expect(format).toBe(name.split(".")[1]);
    expect(table).toMatchObject({ rows, rows_exact: true, columns: columns.length });
    expect(table?.column_details.map((column) => column.name)).toEqual(columns);
    expect(partial).toBeUndefined();
  },
);

test("a brief description of a damaged table says so", async () => {
  const content = readFileSync(new URL("../tables/files/parquet/rowgroups.parquet", import.meta.url));
  const found = await brief(content.subarray(0, 1_000), "t.parquet");
  expect(found).toMatchObject({ format: "parquet", partial: { reason: "damaged" } });
  expect(found).not.toHaveProperty("table");
});

test("a brief description of what is in gzip does not count", async () => {
  expect(await brief(gzipSync("a,b\nx,1\ny,2\n"), "t.csv.gz")).toMatchObject({
    format: "csv",
    compression: "gzip",
    table: { columns: 2, column_details: [{ name: "a" }, { name: "b" }] },
    partial: { reason: "size", message: "Its rows were not counted." },
  });
  expect(await brief(gzipSync("one\ntwo\n"), "t.txt.gz")).toEqual({
    format: "text",
    mime_type: "text/plain",
    compression: "gzip",
  });
});
