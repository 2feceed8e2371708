import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../../src/store/model/errors.js";
import { AnalysisStopped } from "../../../src/store/ports/analyses.js";
import { createFakeAnalyses } from "../../support/fake-analyses.js";
import { type Arguments, type ConnectOptions, connect, pageTextOf, textOf } from "../../support/mcp-client.js";
import * as media from "../../support/media.js";
import { createMemoryEngines } from "../../support/stores.js";

const where = { bucket: "b", key: "t.csv" };
const csv = "name,price\napple,1.5\npear,\nplum,3\nfig,4\n";

async function setup(options: ConnectOptions = {}) {
  const connection = await connect(createMemoryEngines(), options);
  const save = (content: string | Uint8Array, key = where.key, bucket = where.bucket) =>
    connection.store.artifacts.save({
      bucket,
      key,
      bytes: Buffer.from(content),
      defaultMimeType: "application/octet-stream",
    });
  return { ...connection, save };
}

/** All pages, read with the calls that the answers name. */
async function pagesOf({ call }: Awaited<ReturnType<typeof setup>>, first: Arguments): Promise<string[]> {
  const pages: string[] = [];
  for (let args: Arguments | undefined = { ...where, ...first }; args !== undefined; ) {
    const result = await call("read_artifact", args);
    expect(result.isError, textOf(result)).toBeUndefined();
    expect(textOf(result).length + pageTextOf(result).length).toBeLessThanOrEqual(8_000);
    pages.push(pageTextOf(result));
    const [, next] = /(?:Next page|More): read_artifact (\{.*\})$/.exec(textOf(result)) ?? [];
    args = next === undefined ? undefined : JSON.parse(next);
  }
  return pages;
}

describe("read_artifact", () => {
  const numbers = Array.from({ length: 5_000 }, (_, n) => `line ${n + 1}`);

  it("reads all lines with the calls that it names", async () => {
    const connection = await setup();
    await connection.save(numbers.join("\n"));
    const pages = await pagesOf(connection, { line: 1 });
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.map((page) => page.replace(/\n$/, "")).join("\n")).toBe(numbers.join("\n"));
  });

  it("reads as many lines as were asked for, also if they take several pages", async () => {
    const connection = await setup();
    await connection.save(numbers.join("\n"));
    const { call } = connection;
    const first = await call("read_artifact", { ...where, line: 1_001, lines: 2_000 });
    const [, last] = /^Lines 1001 to (\d+) of 5000 /.exec(textOf(first)) ?? [];
    expect(textOf(first)).toContain(`"line":${Number(last) + 1},"lines":${3_000 - Number(last)}}`);
  });

  it("finds all lines that match with the calls that it names", async () => {
    const connection = await setup();
    await connection.save(numbers.join("\n"));
    const found = await pagesOf(connection, { find: "5" });
    expect(found.length).toBeGreaterThan(1);
    const expected = numbers.flatMap((line, n) => (line.includes("5") ? [`${n + 1}:${line}`] : []));
    expect(found.map((page) => page.replace(/\n$/, "")).join("\n")).toBe(expected.join("\n"));
  });

  it("reads all rows with the calls that it names, each page with the header", async () => {
    const connection = await setup();
    const rows = numbers.map((line, n) => `${line},${n}`);
    await connection.save(`a,b\n${rows.join("\n")}\n`);
    const pages = await pagesOf(connection, { row: 1 });
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.flatMap((page) => page.trimEnd().split("\n").slice(1))).toEqual(rows);
    for (const page of pages) expect(page).toMatch(/^a,b\n/);
  });

  it.each<[string, Arguments, string]>([
    ["columns, in their order", { columns: ["price", "name"], row: 2, rows: 1 }, "price,name\n,pear\n"],
    ["columns as hosts write them", { columns: "price, name", rows: "1" }, "price,name\n1.5,apple\n"],
    ["columns as JSON", { columns: '["name"]', row: "-1" }, "name\nfig\n"],
    ["the last rows", { rows: -2 }, "name,price\nplum,3\nfig,4\n"],
  ])("reads rows: %s", async (_what, args, expected) => {
    const { save, call } = await setup();
    await save(csv);
    expect(pageTextOf(await call("read_artifact", { ...where, ...args }))).toBe(expected);
  });

  it("ignores defaults that hosts fill in", async () => {
    const { save, call } = await setup();
    await save(csv);
    const filled = { offset: 0, encoding: "utf8", regex: false, context: 0, find: "", length: null, columns: null };
    const page = await call("read_artifact", { ...where, ...filled, line: 2, lines: 1 });
    expect(pageTextOf(page).trimEnd()).toBe("apple,1.5");
  });

  it.each<[string, string | Uint8Array, Arguments, RegExp, object]>([
    ["line of an image", media.png(20, 10), { line: 3 }, /png.*describe_artifact says what/, { argument: "line" }],
    ["rows of an image", media.png(20, 10), { rows: 3 }, /png.*describe_artifact says what/, {}],
    ["find in an image", media.png(20, 10), { find: "x" }, /png.*describe_artifact says what/, { argument: "find" }],
    ["a line past the end", csv, { line: 99 }, /no line 99.*5 lines/, { argument: "line" }],
    ["a row past the end", csv, { row: 99 }, /4 rows.*no row 99/, { argument: "row" }],
    ["an unknown column", csv, { columns: ["cost"] }, /"cost".*"name", "price"/, { argument: "columns" }],
    ["an expression that does not parse", csv, { find: "(", regex: true }, /does not parse/, { argument: "find" }],
    ["a text with a line end", csv, { find: "a\nb" }, /line end/, { argument: "find" }],
    [
      "two ways of reading",
      csv,
      { line: 2, offset: 5 },
      /offset does not go with line\. Those that go/,
      { argument: "offset" },
    ],
    ["regex alone", csv, { regex: true }, /regex goes with find/, { argument: "regex" }],
    ["line 0", csv, { line: 0 }, /count from 1/, { argument: "line" }],
    ["too much context", csv, { find: "a", context: 21 }, /context must be at most 20/, { argument: "context" }],
    ["a number for a column", csv, { columns: [5] }, /no column "5"/, { argument: "columns" }],
    ["a line that is no number", csv, { line: "ten" }, /line must be a whole number/, { argument: "line" }],
  ])("refuses %s", async (_what, content, args, message, details) => {
    const { save, refusal } = await setup();
    await save(content);
    const error = await refusal("read_artifact", { ...where, ...args });
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message), ...details });
  });

  it("says so if an expression takes too long, or if a limit of memory stops a read of rows", async () => {
    const stopped = (reason: "time" | "memory") =>
      setup({
        analyses: createFakeAnalyses(() => {
          throw new AnalysisStopped(reason);
        }),
      });
    const slow = await stopped("time");
    await slow.save(csv);
    expect(await slow.refusal("read_artifact", { ...where, find: "(a+)+$", regex: true })).toMatchObject({
      code: "invalid_argument",
      argument: "find",
      message: expect.stringMatching(/takes too long.*Make the expression simpler/),
    });
    const large = await stopped("memory");
    await large.save(csv);
    expect(await large.refusal("read_artifact", { ...where, rows: 5 })).toMatchObject({
      code: "too_large",
      message: expect.stringMatching(/memory.*Ask for less/),
    });
  });

  it.each([
    ["t.bin", "application/octet-stream"],
    ["t.txt", "text/plain"],
    ["t", "application/octet-stream"],
  ])("of a table in %s says how its rows can be read, which works", async (key, mime_type) => {
    const { save, answer, call, refusal } = await setup();
    await save(csv, key);
    const at = { bucket: "b", key };
    expect(await answer("get_artifact", at)).toMatchObject({ mime_type });
    const { message } = await refusal("read_artifact", { ...at, rows: 1 });
    expect(message).toMatch(
      /^The content is taken for text, .* copy or save it under a key that ends in \.csv or \.tsv\. /,
    );
    await answer("copy_artifact", { ...at, to_key: "copy.csv" });
    const page = await call("read_artifact", { bucket: "b", key: "copy.csv", rows: 1 });
    expect(pageTextOf(page)).toBe("name,price\napple,1.5\n");
  });

  it("says of lines that are found in a table by its type that they are no rows", async () => {
    const { save, call } = await setup();
    const sentence = "The numbers are of lines, not of rows.";
    for (const [key, isSaid] of [
      ["t.csv", true],
      ["t.tsv", true],
      ["t.txt", false],
      ["t.jsonl", false],
    ] as const) {
      await save(csv, key);
      const found = textOf(await call("read_artifact", { bucket: "b", key, find: "plum" }));
      expect(found.includes(sentence), key).toBe(isSaid);
      expect(textOf(await call("read_artifact", { bucket: "b", key, find: "none" }))).not.toContain(sentence);
    }
  });

  it("says that a table has no rows", async () => {
    const { save, call } = await setup();
    await save("name,price\n");
    expect(textOf(await call("read_artifact", { ...where, rows: 5 }))).toBe(
      "The table has no rows (2 columns, version 1). This is the end.",
    );
  });

  it("describes what is no text, unless a part or base64 is asked for", async () => {
    const { save, call } = await setup();
    const gz = gzipSync(csv);
    await save(gz, "t.csv.gz");
    const at = { bucket: "b", key: "t.csv.gz" };
    const { content, _meta } = await call("read_artifact", { ...at, encoding: "auto", offset: 0 });
    expect(content).toHaveLength(1);
    expect(textOf({ content })).toMatch(
      /^Not shown: version 1 is csv in gzip, 4 rows x 2 columns, \d+ bytes\. Columns: name, price\. /,
    );
    expect(_meta).toEqual({ offset: 0, length: 0, bytes: gz.length });
    const [, rows] = /Rows: read_artifact (\{.*?\})\./.exec(textOf({ content })) ?? [];
    expect(pageTextOf(await call("read_artifact", JSON.parse(rows ?? "")))).toMatch(/^name,price\napple,1\.5\n/);
    for (const args of [{ encoding: "base64" }, { length: 1_000 }])
      expect(pageTextOf(await call("read_artifact", { ...at, ...args }))).toBe(gz.toString("base64"));
  });
});

describe("describe_artifact", () => {
  it("says what a table is, in text and as structured content, and get_artifact then knows it", async () => {
    const { save, call, answer } = await setup();
    await save(csv);
    expect(await answer("get_artifact", where)).not.toHaveProperty("description");
    const result = await call("describe_artifact", where);
    expect(textOf(result)).toBe(
      [
        `csv, 4 rows x 2 columns, ${csv.length} bytes, version 1.`,
        'name: text, from "apple" to "plum", all different',
        "price: number, 1 empty, 1.5 to 4, all different",
      ].join("\n"),
    );
    expect(result.structuredContent).toMatchObject({ ...where, version: 1, format: "csv", table: { rows: 4 } });
    const brief = { format: "csv", rows: 4, columns: 2 };
    expect(await answer("get_artifact", where)).toMatchObject({ description: brief });
    const { content } = await call("get_artifact", { ...where, versions: 5 });
    expect(JSON.parse(textOf({ content }))).toMatchObject({ description: brief });
  });

  it("says all about a column that is named", async () => {
    const { save, call } = await setup();
    await save(csv);
    const text = textOf(await call("describe_artifact", { ...where, columns: "price" }));
    expect(text.split("\n")).toHaveLength(2);
    expect(text).toMatch(/\nprice: number, 1 empty, .*; in 20 equal bins from 1\.5 to 4: 1 0( \d){18}$/);
  });

  it("describes a version", async () => {
    const { save, call } = await setup();
    await save(csv);
    await save(media.png(20, 10));
    expect(textOf(await call("describe_artifact", { ...where, version: 1 }))).toMatch(/^csv/);
    expect(textOf(await call("describe_artifact", where))).toMatch(/^png, 20 x 10 pixels.*stored as text\/csv\.$/);
  });

  it("says what is known if a limit stops it", async () => {
    const analyses = createFakeAnalyses(() => {
      throw new AnalysisStopped("memory", { format: "parquet" });
    });
    const { save, call } = await setup({ analyses });
    await save(csv);
    expect(textOf(await call("describe_artifact", where))).toBe(
      `parquet, ${csv.length} bytes, version 1, stored as text/csv.\nNot all was looked at: The memory limit stopped the description.`,
    );
  });

  it("answers the errors of its use case, and passes the signal on", async () => {
    const analyses = createFakeAnalyses(() => {
      throw new ArtifactError("corrupt", "bad");
    });
    const { save, refusal } = await setup({ analyses });
    await save(csv);
    expect(await refusal("describe_artifact", where)).toMatchObject({ code: "corrupt" });
    expect(analyses.calls[0]?.signal).toBeInstanceOf(AbortSignal);
    expect(await refusal("describe_artifact", { ...where, key: "t.csx" })).toMatchObject({
      code: "artifact_not_found",
      message: expect.stringMatching(/Similar keys in this bucket: "t\.csv"/),
    });
  });

  it("names the columns there are, or says what the content is, if columns cannot be told", async () => {
    const { save, refusal } = await setup();
    await save(csv);
    await save(media.png(20, 10), "p.png");
    const message = 'There is no column "cost". The columns are "name", "price".';
    expect(await refusal("describe_artifact", { ...where, columns: ["cost"] })).toMatchObject({ message });
    expect(await refusal("describe_artifact", { bucket: "b", key: "p.png", columns: ["a"] })).toMatchObject({
      message: expect.stringMatching(/^This is no table, but png, 20 x 10 pixels/),
    });
  });
});

describe("compare_artifacts", () => {
  const changed = csv.replace("plum,3", "plum,5");

  it.each<[string, Arguments, RegExp]>([
    ["the newest version with the one before", {}, /^They differ, from version 2 to 3: 4 to 5 rows/],
    ["an older version with the newest", { version: 1 }, /^They differ, from version 1 to 3: 4 to 5 rows/],
    ["two versions", { version: 1, to_version: 2 }, /^They differ, from version 1 to 2: 4 rows each; \+1 -1 lines\.\n/],
    [
      "a version with the one before",
      { to_version: 2 },
      /^They differ, from version 1 to 2: 4 rows each; \+1 -1 lines\.\n/,
    ],
    ["two keys", { to_key: "n.csv" }, /^They differ, from t\.csv version 3 to n\.csv version 1: 5 to 4 rows/],
    [
      "two buckets",
      { version: 1, to_bucket: "c", to_version: 1 },
      /^Identical: b\/t\.csv version 1 and c\/t\.csv version 1 have/,
    ],
    [
      "rows by a column",
      { version: 1, to_version: 2, by: "name" },
      /by name 0 rows added, 0 removed, 1 changed\.\n~ name=plum: price 3 -> 5/,
    ],
  ])("compares %s", async (_what, args, expected) => {
    const { save, call } = await setup();
    for (const content of [csv, changed, `${changed}kiwi,9\n`]) await save(content);
    await save(csv, "n.csv");
    await save(csv, "t.csv", "c");
    const result = await call("compare_artifacts", { ...where, ...args });
    expect(textOf(result)).toMatch(expected);
    expect(result.structuredContent).toMatchObject({ before: where, kind: expect.any(String) });
  });

  it("shows a diff of text without the names, which it has said", async () => {
    const { save, call } = await setup();
    await save("a\nb\n", "t.txt");
    await save("a\nc\n", "t.txt");
    expect(textOf(await call("compare_artifacts", { bucket: "b", key: "t.txt" })).trimEnd()).toBe(
      "From version 1 to 2: 1 line added, 1 removed, in 1 place.\n@@ -1,2 +1,2 @@\n a\n-b\n+c",
    );
  });

  it("says that line ends or encodings differ, and compares the characters", async () => {
    const { save, call } = await setup();
    await save("a\nb\n", "t.txt");
    await save("a\r\nc\r\n", "t.txt");
    await save(Buffer.from("\ufeffa\r\nd\r\n", "utf16le"), "t.txt");
    const at = { bucket: "b", key: "t.txt" };
    expect(textOf(await call("compare_artifacts", { ...at, to_version: 2 }))).toMatch(
      / Their line ends are lf and crlf, /,
    );
    expect(textOf(await call("compare_artifacts", at))).toMatch(/ They are utf-8 and utf-16le with BOM: /);
  });

  it("answers less than 8,000 characters, and says how to go on", async () => {
    const { save, call } = await setup();
    const lines = (word: string) => Array.from({ length: 5_000 }, (_, n) => `${word} ${n}\n`).join("");
    await save(lines("one"), "t.txt");
    await save(lines("two"), "t.txt");
    const text = textOf(await call("compare_artifacts", { bucket: "b", key: "t.txt" }));
    expect(text.length).toBeLessThan(8_000);
    expect(text).toMatch(
      /5000 lines added, 5000 removed, .* The diff is cut\. Line by line from there: read_artifact \{.*"line":\d+\}/,
    );
  });

  it.each<[string, Arguments, object]>([
    [
      "a key with one version",
      { key: "n.csv" },
      { code: "invalid_argument", message: expect.stringMatching(/only one version.*to_key/) },
    ],
    ["a version that there is not", { version: 9 }, { code: "artifact_not_found", version: 9 }],
    ["a target that there is not", { to_key: "none" }, { code: "artifact_not_found", key: "none" }],
    ["a column that there is not", { by: "x" }, { code: "invalid_argument", argument: "by" }],
    ["version 0", { version: 0 }, { code: "invalid_argument", argument: "version" }],
    ["no key", { key: null }, { code: "invalid_argument", argument: "key" }],
  ])("refuses %s", async (_what, args, error) => {
    const { save, refusal } = await setup();
    for (const content of [csv, changed]) await save(content);
    await save(csv, "n.csv");
    expect(await refusal("compare_artifacts", { ...where, ...args })).toMatchObject(error);
  });
});
