import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Source } from "../../../src/analysis/source.js";
import { describeTable } from "../../../src/analysis/tables/describe-table.js";
import { openTable } from "../../../src/analysis/tables/open-table.js";
import { AnalysisThreads } from "../../../src/engines/threads/analysis-threads.js";
import { analysisMemoryBytes } from "../../../src/store/model/limits.js";
import type { RowsAnalysis } from "../../../src/store/ports/analyses.js";
import type { Description } from "../../../src/store/ports/description.js";
import { patienceMs } from "../../../vitest.config.js";
import { endlessSource, memorySource } from "./memory-source.js";

const GB = 1_000_000_000;

/** In a thread with the product's limit of memory: an analysis that needs more rejects. */
async function inThread<Result>(source: Source, use: (run: RunInThread) => Promise<Result>): Promise<Result> {
  const limits = { timeMs: patienceMs, graceMs: patienceMs, memoryBytes: analysisMemoryBytes };
  const threads = new AnalysisThreads(() => undefined, { limits });
  const read = async (start: number, length: number) => Buffer.from(await source.read(start, length));
  const content = { key: source.key, mimeType: source.mimeType, bytes: source.bytes, reader: { read } };
  try {
    return await use((wanted) => threads.run(wanted, [content]) as Promise<never>);
  } finally {
    await threads.close();
  }
}

type RunInThread = <Result>(wanted: { readonly kind: "describe" } | RowsAnalysis) => Promise<Result>;
const someRows: RowsAnalysis = { kind: "rows", row: 2, rows: 3, chars: 8_000 };

const describeInThread = (source: Source) => inThread<Description>(source, (run) => run({ kind: "describe" }));

describe("within the limit of memory", () => {
  test("a CSV of 1 GB with a quote that is not closed breaks off", async () => {
    for (const body of ["x,y\n", 'x" ', '""', "\n"]) {
      const source = endlessSource("a.csv", 'a,b\n1,2\n3,"', body.repeat(20_000), GB);
      const { table, partial } = await describeInThread(source);
      expect(table).toMatchObject({ rows: 1, columns: 2 });
      expect(partial).toMatchObject({ message: expect.stringContaining("begins at byte 8") });
    }
  });

  test("a CSV of 1 GB that is one row has no columns", async () => {
    for (const body of ["x", ",", "x,"]) {
      const { table, partial } = await describeInThread(endlessSource("a.csv", "a", body.repeat(20_000), GB));
      expect(table).toMatchObject({ rows: 0 });
      expect(partial?.reason).toBe("size");
    }
  });

  test("a CSV with many short rows after a long one", async () => {
    for (const long of ["x".repeat(5_000_000), `"${"x,\n".repeat(400_000)}"`, `"${'""x'.repeat(1_500_000)}"`]) {
      const text = `a,b\n1,2\n${long},3\n${"4,5\n".repeat(1_500_000)}`;
      const { table, partial } = await describeInThread(memorySource("a.csv", text));
      expect(partial).toBeUndefined();
      expect(table).toMatchObject({ rows: 1_500_002, columns: 2 });
    }
  });

  test("a row of CSV that has four million cells after a long one", async () => {
    const text = `a,b\n1,2\n"${"x".repeat(3_900_000)}\n",${",".repeat(4_000_000)}\n3,4\n`;
    const { table, partial } = await describeInThread(memorySource("a.csv", text));
    expect(table).toMatchObject({ rows: 3, columns: 2 });
    expect(partial?.message).toMatch(/^Row 2 has more cells/);
  });

  test("a JSON Lines file of 1 GB that is one line breaks off", async () => {
    for (const body of ["x", "[", '{"a":', '"",']) {
      const source = endlessSource("a.jsonl", '{"a":1}\n{"a":[', body.repeat(20_000), GB);
      const { table, partial } = await describeInThread(source);
      expect(table).toMatchObject({ rows: 1, columns: 1 });
      expect(partial?.reason).toBe("size");
    }
  });

  test("an item of a JSON array that is too long, or has too much in it, breaks the table off", async () => {
    for (const body of ["x", "[", "{},", '{"a":', '\\n"']) {
      const head = `[{"a":1},{"a":${body.includes("x") || body.includes("n") ? '"' : "["}`;
      const source = endlessSource("a.json", head, body.repeat(20_000), 40_000_000);
      const { table, partial } = await describeInThread(source);
      expect([body, table]).toMatchObject([body, { rows: 1, columns: 1 }]);
      expect(partial).toBeDefined();
      expect(await inThread(source, (run) => run({ ...someRows, row: 1, rows: 1 }))).toMatchObject({ csv: "a\n1\n" });
    }
  });

  test("a JSON array of many items", async () => {
    const text = `[${'{"a":[1,{"b":2}]},\n'.repeat(1_000_000)}{"a":3}]`;
    const { table, partial } = await describeInThread(memorySource("a.json", text));
    expect(partial).toBeUndefined();
    expect(table).toMatchObject({ rows: 1_000_001, columns: 1 });
  });

  test("a cell of JSON with 100,000 levels is described and shown", async () => {
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)},"b":2}\n`;
    await inThread(memorySource("a.jsonl", deep.repeat(5)), async (run) => {
      const { table } = await run<Description>({ kind: "describe" });
      expect(table).toMatchObject({ rows: 5, column_details: [{ type: "list" }, { type: "integer" }] });
      expect(await run(someRows)).toMatchObject({ csv: "a,b\n[…],2\n[…],2\n[…],2\n" });
    });
  });

  test("a row of JSON of 1 MiB whose values need fifty times as much memory, and one that is longer", async () => {
    const rowOf = (item: string, chars: number) => `{"a":[${`${item},`.repeat(chars / (item.length + 1))}0]}\n`;
    for (const item of ['{"35":0}', '{"0":0}', "[]", "[1700000000000000001]"]) {
      const row = rowOf(item, 1_000_000);
      const text = `{"a":1}\n${row.repeat(2)}{"a":1700000000000000001}\n${rowOf(item, 1_100_000)}{"a":2}\n`;
      await inThread(memorySource("a.jsonl", text), async (run) => {
        const { table, partial } = await run<Description>({ kind: "describe" });
        expect(table).toMatchObject({ rows: 4, column_details: [{ name: "a", type: "mixed" }] });
        expect(partial).toMatchObject({ reason: "size", message: expect.stringContaining("1048576 characters") });
        expect(await run(someRows)).toMatchObject({ first: 2, more: true });
      });
    }
  });

  test("100,000 columns are counted, and 200 described", async () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `n${index.toString(36)}`);
    const object = JSON.stringify(Object.fromEntries(names.map((name) => [name, 1])));
    const sources = [
      memorySource("a.csv", `${names.join(",")}\n${`${names.map(() => "1").join(",")}\n`.repeat(50)}`),
      memorySource("short.csv", `${names.join(",")}\n${"1\n".repeat(50)}`),
      memorySource("a.jsonl", `${object}\n`.repeat(5)), // V8 takes half a second for each
    ];
    for (const source of sources) {
      await inThread(source, async (run) => {
        const { table, partial } = await run<Description>({ kind: "describe" });
        if (source.key === "short.csv") expect(partial?.message).toMatch(/^50 rows, the first one row 1, have fewer/);
        else expect(partial).toBeUndefined();
        expect(table).toMatchObject({ rows: source.key === "a.jsonl" ? 5 : 50, columns: 100_000 });
        expect(table?.column_details).toHaveLength(200);
        expect(await run(someRows)).toMatchObject({ first: 2, more: true, omitted_columns: expect.any(Number) });
      });
    }
  });

  test("200 columns of long values that all differ", async () => {
    const names = Array.from({ length: 200 }, (_, index) => `name${index}`);
    const rows = Array.from({ length: 3_000 }, (_, row) => names.map((name) => `${row} ${name} `.repeat(5)).join(","));
    const { table } = await describeInThread(memorySource("a.csv", [names.join(","), ...rows].join("\n")));
    expect(table).toMatchObject({ rows: 3_000, columns: 200 });
    expect(table?.column_details[199]).toMatchObject({ type: "text", least: "0 name199 ".repeat(5) });
  });

  test("a million numbers that differ in each of 50 columns", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `name${index}`);
    const row = (n: number) => `${names.map((_, index) => n * 50 + index).join(",")}\n`;
    const body = Array.from({ length: 20_000 }, (_, n) => row(n)).join("");
    const { table } = await describeInThread(memorySource("a.csv", `${names.join(",")}\n${body}`));
    expect(table?.column_details[49]).toMatchObject({ type: "integer", least: 49, greatest: 999_999 });
  });
});

test("a gzip file of 100 MB that becomes 100 GB ends with the time", async () => {
  const rows = gzipSync("1,2\n".repeat(250_000), { level: 9 });
  const source = endlessSource("a.csv.gz", gzipSync("a,b\n"), rows, 100_000_000);
  let asked = 0;
  const isOver = () => {
    asked += 1;
    return asked > 500;
  };
  const run = { isOver, report: () => undefined };
  const table = await openTable(source, run);
  const description = table && (await describeTable(table, run));
  expect(description).toMatchObject({ columns: 2, partial: { reason: "time" } });
  expect(description?.rows).toBeGreaterThan(100_000);
});
