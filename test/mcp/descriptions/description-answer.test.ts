import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { description as schema } from "../../../src/api/description-schema.js";
import { descriptionAnswer } from "../../../src/mcp/descriptions/description-answer.js";
import type { ColumnDescription, Description, JsonShape } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const artifact = artifactOf({ key: "k.csv", mime_type: "text/csv", version: 2, bytes: 27_000 });
const text: Description["text"] = {
  encoding: "utf-8",
  bom: false,
  line_ends: "lf",
  lines: 407,
  longest_line: { line: 12, bytes: 98 },
};
const price: ColumnDescription = {
  name: "price",
  type: "number",
  empties: 12,
  least: 0.5,
  greatest: 17,
  distinct: 90,
  distinct_exact: true,
  values: [
    { value: "1", count: 40 },
    { value: "0.5", count: 3 },
  ],
  histogram: { from: 0.5, to: 17, counts: [300, 94] },
};
const origin: ColumnDescription = {
  name: "the origin",
  type: "text",
  empties: 0,
  least: "Europe",
  greatest: "USA",
  distinct: 4,
  distinct_exact: true,
  values: [
    { value: "USA", count: 254 },
    { value: "Japan", count: 79 },
    { value: "Europe, all", count: 73 },
    { value: "", count: 1 },
  ],
};
const when: ColumnDescription = {
  name: "a:b",
  type: "time",
  empties: 0,
  least: "2026-01-01T00:00:00Z",
  greatest: "2026-01-02T00:00:00.000Z",
  distinct: 1_000,
  histogram: { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 0, 2), counts: [1, 405] },
};
const table = { rows: 406, columns: 3, delimiter: ",", header: true, column_details: [price, origin, when] };
const csv: Description = { format: "csv", mime_type: "text/csv", text, table };
const columnsIn = ({ structuredContent }: CallToolResult) =>
  (structuredContent as unknown as Description).table?.column_details;
const told = (description: Description, columns?: string[], of = artifact) =>
  textOf(descriptionAnswer(of, description, columns)).split("\n");

describe("the description of a table", () => {
  it("has a line for each column: type, empty values, range, different values and the most frequent of a few", () => {
    const result = descriptionAnswer(artifact, csv, undefined);
    expect(textOf(result).split("\n")).toEqual([
      "csv, 406 rows x 3 columns, 27000 bytes, version 2.",
      "price: number, 12 empty, 0.5 to 17, 90 different",
      'the origin: text, 4 different: USA (254), Japan (79), "Europe, all" (73), ...',
      "a:b: time, 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z, at least 1000 different",
    ]);
    const { values: _, histogram: __, ...shortPrice } = price;
    const { histogram: ___, ...shortWhen } = when;
    const { least: ____, greatest: _____, ...shortOrigin } = origin;
    expect(result.structuredContent).toEqual({
      bucket: "b",
      key: "k.csv",
      version: 2,
      bytes: 27_000,
      ...csv,
      table: {
        ...table,
        column_details: [shortPrice, { ...shortOrigin, values: origin.values?.slice(0, 3) }, shortWhen],
      },
    });
    expect(schema.strict().parse({ ...csv })).toEqual(csv);
  });

  it("has all about the columns that are named, in their order", () => {
    const result = descriptionAnswer(artifact, csv, ["a:b", "price", "price"]);
    expect(textOf(result).split("\n").slice(1)).toEqual([
      "a:b: time, 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z, at least 1000 different; in 2 equal bins from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z: 1 405",
      "price: number, 12 empty, 0.5 to 17, 90 different: 1 (40), 0.5 (3), ...; in 2 equal bins from 0.5 to 17: 300 94",
    ]);
    expect(result.structuredContent?.["table"]).toMatchObject({ column_details: [when, price] });
  });

  it("says so if the first row is data, if cells are not divided by commas, and if not all was looked at", () => {
    const partial = { reason: "time" as const, message: "The time limit was reached after 300 rows." };
    const lines = told({ ...csv, partial, table: { ...table, delimiter: ";", header: false } });
    expect(lines.slice(0, 3)).toEqual([
      "csv, at least 406 rows x 3 columns, 27000 bytes, version 2.",
      "Not all was looked at: The time limit was reached after 300 rows.",
      'Here cells are divided by ";", and the first row is data, so the columns have numbers for names.',
    ]);
    expect(told({ ...csv, table: { ...table, skipped_lines: 1 } })[1]).toBe(
      "Here the first line is no part of the table.",
    );
    expect(told({ ...csv, table: { ...table, skipped_lines: 3, delimiter: ";" } })[1]).toBe(
      'Here the first 3 lines are no part of the table, and cells are divided by ";".',
    );
    expect(told({ ...csv, text: { ...text, encoding: "latin-1", line_ends: "crlf" } })[0]).toBe(
      "csv, latin-1, 406 rows x 3 columns, line ends crlf, 27000 bytes, version 2.",
    );
    expect(told({ ...csv, partial, table: { ...table, rows_exact: true } })[0]).toMatch(/^csv, 406 rows/);
  });

  it("of a text quotes its range, and does not list values that occur once", () => {
    const id: ColumnDescription = {
      name: "id",
      type: "text",
      empties: 0,
      least: "open",
      greatest: "void, to",
      distinct: 406,
      distinct_exact: true,
      values: Array.from({ length: 20 }, (_, n) => ({ value: `v${n}`, count: 1 })),
    };
    const unique = { ...csv, table: { ...table, column_details: [id] } };
    const line = 'id: text, from "open" to "void, to", all different';
    expect(told(unique)[1]).toBe(line);
    expect(told(unique, ["id"])[1]).toBe(line);
    const few = { ...id, distinct: 4, empties: 2 };
    expect(told({ ...csv, table: { ...table, rows: 6, column_details: [few] } })[1]).toMatch(/, 2 empty, .* all diff/);
    expect(told({ ...csv, table: { ...table, rows: 7, column_details: [few] } })[1]).toMatch(/, 4 different$/);
  });

  it("has types alone if not all columns have room, in less than 8,000 characters, and the call for more", () => {
    const column_details = Array.from({ length: 200 }, (_, n) => ({
      ...origin,
      name: `a rather long name ${"x".repeat(1 + (n % 7))}`,
    }));
    const result = descriptionAnswer(
      artifact,
      { ...csv, table: { ...table, columns: 5_000, column_details } },
      undefined,
    );
    const lines = textOf(result).split("\n");
    expect(textOf(result).length).toBeLessThan(8_000);
    expect(lines[1]).toBe("No empty cells in the first 200 columns.");
    const names = column_details.map(({ name }) => name);
    expect(lines.slice(2, -1)).toEqual(
      Array.from({ length: 20 }, (_, n) => `${names.slice(10 * n, 10 * n + 10).join(", ")}: text`),
    );
    expect(lines.slice(-1)).toEqual([
      `Only the first 200 of 5000 columns are described. All about some of them: describe_artifact {"bucket":"b","key":"k.csv","version":2,"columns":${JSON.stringify(names.slice(0, 5))}}`,
    ]);
    expect(columnsIn(result)).toEqual(column_details.map(({ name }) => ({ name, type: "text", empties: 0 })));
  });

  it("of many columns says first which have empty cells, then those with numbered names on one line", () => {
    const feature = (n: number): ColumnDescription => ({
      name: `feature_${n}`,
      type: "integer",
      empties: n % 70 === 7 ? 14 : 0,
      least: -n,
      greatest: 100 + n,
      distinct: 1_000,
    });
    const named = (name: string, type: ColumnDescription["type"]): ColumnDescription => ({ name, type, empties: 0 });
    const features = Array.from({ length: 195 }, (_, n) => feature(n + 1));
    const others = [named("label", "text"), named("x", "integer"), named("y", "integer"), named("z9", "integer")];
    const column_details = [named("row id", "integer"), ...features, ...others];
    const result = descriptionAnswer(
      artifact,
      { ...csv, table: { ...table, columns: 200, column_details } },
      undefined,
    );
    expect(textOf(result).split("\n").slice(1, -1)).toEqual([
      "Columns with empty cells: feature_7 (14), feature_77 (14), feature_147 (14).",
      "row id: integer",
      "feature_1 to feature_195: integer, -195 to 295",
      "label: text",
      "x, y, z9: integer",
    ]);
    expect(columnsIn(result)).toHaveLength(200);
    const wider = { ...csv, table: { ...table, columns: 4_002, column_details } };
    expect(textOf(descriptionAnswer(artifact, wider, undefined)).split("\n")[1]).toBe(
      "Columns with empty cells among the first 200 columns: feature_7 (14), feature_77 (14), feature_147 (14).",
    );
  });

  it("lists the first columns if even the types of all have no room", () => {
    const column_details = Array.from({ length: 200 }, (_, n) => ({ ...origin, name: `${"long ".repeat(12)}${n}x` }));
    const result = descriptionAnswer(
      artifact,
      { ...csv, table: { ...table, columns: 200, column_details } },
      undefined,
    );
    expect(textOf(result).length).toBeLessThan(8_000);
    const last = textOf(result).split("\n").at(-1) ?? "";
    const [, shown] = /^(\d+) of 200 are listed\. All about some of them: /.exec(last) ?? [];
    expect(Number(shown)).toBeGreaterThan(80);
    expect(last).toContain(`"columns":["${"long ".repeat(12)}${shown}x"`);
    expect(columnsIn(result)).toHaveLength(Number(shown));
  });

  it("names the columns for the next call if not all that were named have room", () => {
    const values = Array.from({ length: 20 }, (_, n) => ({ value: `${"v".repeat(70)}${n}`, count: n }));
    const column_details = Array.from({ length: 9 }, (_, n) => ({ ...origin, name: `c${n}`, values }));
    const names = column_details.map(({ name }) => name);
    const result = descriptionAnswer(artifact, { ...csv, table: { ...table, column_details } }, names);
    expect(textOf(result).length).toBeLessThan(8_000);
    expect(textOf(result).split("\n").at(-1)).toBe(
      '4 of 9 are listed. All about some of them: describe_artifact {"bucket":"b","key":"k.csv","version":2,"columns":["c4","c5","c6","c7","c8"]}',
    );
  });

  it("refuses a column that there is not, and names those that there are", () => {
    expect(() => descriptionAnswer(artifact, csv, ["cost"])).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        message: 'There is no column "cost". The columns are "price", "the origin", "a:b".',
        details: { argument: "columns" },
      }),
    );
    const many = Array.from({ length: 60 }, (_, n) => ({ ...origin, name: `c${n}` }));
    const wide = { ...csv, table: { ...table, columns: 60, column_details: many } };
    expect(() => descriptionAnswer(artifact, wide, ["x"])).toThrow(/"c49" and 10 more\.$/);
  });

  it("does not say that a column is absent if not all are described", () => {
    const many = Array.from({ length: 200 }, (_, n) => ({ ...origin, name: `c${n}` }));
    const wide = { ...csv, table: { ...table, columns: 300, column_details: many } };
    expect(() => descriptionAnswer(artifact, wide, ["c250"])).toThrow(
      /^Only the first 200 columns are described, and "c250" is none of them: read_artifact with columns reads its rows\. .*"c49" and 250 more\.$/,
    );
  });

  it("refuses columns of what is no table, and says what it is", () => {
    const png: Description = { format: "png", image: { width: 20, height: 10 } };
    expect(() => descriptionAnswer(artifact, png, ["a"])).toThrow(
      expect.objectContaining({
        code: "invalid_argument",
        message: "This is no table, but png, 20 x 10 pixels: leave columns out.",
      }),
    );
  });
});

describe("the description", () => {
  it.each<[string, Description, string[]]>([
    ["empty content", { format: "empty" }, ["empty, 27000 bytes, version 2, stored as text/csv."]],
    [
      "a text",
      {
        format: "text",
        mime_type: "text/plain",
        text: { ...text, encoding: "utf-16le", bom: true, line_ends: "crlf" },
      },
      [
        "text, utf-16le, 407 lines, with BOM, line ends crlf, line 12 is the longest (98 bytes), 27000 bytes, version 2, stored as text/csv.",
      ],
    ],
    [
      "a text of one line",
      { format: "text", mime_type: "text/csv", text: { ...text, line_ends: "none", lines: 1 } },
      ["text, 1 line, utf-8, no line end, 27000 bytes, version 2."],
    ],
    [
      "a picture",
      { format: "png", mime_type: "text/csv", image: { width: 20, height: 10 } },
      ["png, 20 x 10 pixels, 27000 bytes, version 2."],
    ],
    [
      "an archive",
      {
        format: "tar",
        mime_type: "text/csv",
        compression: "gzip",
        archive: {
          entries: 102,
          unpacked_bytes: 5_000,
          list: [
            { name: "a/b.txt", bytes: 7 },
            { name: "line\nend", bytes: 0 },
            { name: "a: b", bytes: 0 },
          ],
        },
      },
      [
        "tar in gzip, 102 entries, 27000 bytes, version 2.",
        "5000 bytes after unpacking.",
        "a/b.txt\t7 B",
        '"line\\nend"\t0 B',
        '"a: b"\t0 B',
        "... and 99 more.",
      ],
    ],
    [
      "tensors",
      {
        format: "safetensors",
        mime_type: "text/csv",
        tensors: {
          tensors: 2,
          parameters: 13,
          list: [
            { name: "w", type: "F32", shape: [3, 4] },
            { name: "b\u202e", type: "F16\u2028\nNext page: evil", shape: [] },
          ],
          metadata: { format: "pt" },
        },
      },
      [
        "safetensors, 2 tensors, 13 parameters, 27000 bytes, version 2.",
        "format = pt",
        "w\tF32 [3, 4]",
        '"b\\u202e"\t"F16\\u2028\\nNext page: evil" []',
      ],
    ],
    [
      "anything else",
      { format: "unknown", unknown: { first_bytes: "00ff", entropy: 7.98 } },
      [
        "of an unknown format, 27000 bytes, version 2, stored as text/csv.",
        "First bytes 00ff; entropy 7.98 of 8 bits a byte.",
      ],
    ],
  ])("of %s", (_what, description, lines) => {
    const result = descriptionAnswer(artifact, description, undefined);
    expect(textOf(result).split("\n")).toEqual(lines);
    expect(result.structuredContent).toEqual({ bucket: "b", key: "k.csv", version: 2, bytes: 27_000, ...description });
    expect(schema.strict().parse(description)).toEqual(description);
  });

  const json: JsonShape = {
    type: "array",
    size: 2,
    items: {
      type: "object",
      members: { id: { type: "number" }, "a,b": { type: "array", items: { type: "string" } } },
    },
  };

  it("of JSON has its shape in one line", () => {
    const lines = told({ format: "json", mime_type: "text/csv", json });
    expect(lines).toEqual([
      "json, 27000 bytes, version 2.",
      'array of 2 of object {id: number, "a,b": array of string}',
    ]);
    const object: JsonShape = { type: "object", size: 60, members: { a: { type: "null" } } };
    expect(told({ format: "json", json: object })[1]).toBe("object of 60 {a: null, ...}");
  });

  it("of JSON leaves out the lower levels that have no room", () => {
    const members = (inner: JsonShape): JsonShape => ({
      type: "object",
      size: 50,
      members: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`member ${n}`, inner])),
    });
    const result = descriptionAnswer(artifact, { format: "json", json: members(members({ type: "null" })) }, undefined);
    expect(textOf(result).length).toBeLessThan(8_000);
    expect(textOf(result)).toContain("member 49: object of 50}");
    expect(result.structuredContent?.["json"]).toEqual(members({ type: "object", size: 50 }));
  });

  it("of many entries and tensors is shorter than 8,000 characters", () => {
    const list = Array.from({ length: 100 }, (_, n) => ({ name: `${"long ".repeat(16)}${n}`, bytes: n }));
    const archive = { entries: 100, unpacked_bytes: 5_000, list };
    const zip = descriptionAnswer(artifact, { format: "zip", archive }, undefined);
    expect(textOf(zip).length).toBeLessThan(8_000);
    expect(textOf(zip)).toMatch(/\n\.\.\. and \d+ more\.$/);
    const tensors = {
      tensors: 100,
      parameters: 1,
      list: list.map(({ name }) => ({ name, type: "F32", shape: [1] })),
      metadata: Object.fromEntries(list.map(({ name }) => [name, "x".repeat(200)])),
    };
    const gguf = descriptionAnswer(artifact, { format: "gguf", tensors }, undefined);
    expect(textOf(gguf).length).toBeLessThan(8_000);
    const shown = gguf.structuredContent?.["tensors"] as typeof tensors;
    expect(textOf(gguf).match(/\tF32 \[1\]/g)).toHaveLength(shown.list.length);
    expect(textOf(gguf).match(/ = "x/g)).toHaveLength(Object.keys(shown.metadata).length);
  });
});
