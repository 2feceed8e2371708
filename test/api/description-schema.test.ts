import { expect, it } from "vitest";
import { comparison } from "../../src/api/comparison-schema.js";
import { description } from "../../src/api/description-schema.js";
import type { Comparison, Description, JsonShape } from "../../src/store/ports/description.js";

/** The compiler asks for every member: `undefined` is no value of one. */
type Whole<Value> = Value extends readonly [infer First, infer Second]
  ? [First, Second]
  : Value extends readonly (infer Item)[]
    ? Whole<Item>[]
    : Value extends object
      ? { [Name in keyof Value]-?: Whole<Value[Name]> }
      : Value;

const leaf = { type: "number" } as const;
const record: JsonShape = { type: "object", size: 1, members: { a: leaf } };
const partial = { reason: "time", message: "Only the first rows." } as const;

const described: Whole<Omit<Description, "json">> & Pick<Description, "json"> = {
  format: "csv",
  mime_type: "text/csv",
  compression: "gzip",
  partial,
  text: { encoding: "utf-8", bom: true, line_ends: "lf", lines: 3, longest_line: { line: 2, bytes: 9 } },
  json: { type: "object", size: 1, members: { list: { type: "array", size: 2, items: record } } },
  table: {
    rows: 2,
    rows_exact: true,
    columns: 1,
    more_columns: true,
    delimiter: ";",
    header: true,
    skipped_lines: 1,
    column_details: [
      {
        name: "a",
        type: "integer",
        empties: 0,
        least: -1.5,
        greatest: "2026-01-01",
        distinct: 2,
        distinct_exact: true,
        values: [{ value: "1", count: 2 }],
        histogram: { from: -1, to: 1, counts: [1, 1] },
      },
    ],
  },
  image: { width: 1, height: 2 },
  archive: { entries: 1, unpacked_bytes: 5, list: [{ name: "a", bytes: 5 }] },
  tensors: {
    tensors: 1,
    parameters: 6,
    list: [{ name: "w", type: "F32", shape: [2, 3] }],
    metadata: { format: "pt" },
  },
  unknown: { first_bytes: "00ff", entropy: 7.9 },
};

const compared: Whole<Comparison> = {
  kind: "table",
  partial,
  same: "rows",
  differs: ["compression", "order"],
  text: {
    lines_added: 1,
    lines_removed: 2,
    hunks: 1,
    diff: "@@",
    cut: true,
    encodings: ["utf-8", "utf-16le"],
    line_ends: ["lf", "crlf"],
  },
  table: {
    columns_added: ["b"],
    columns_removed: ["a"],
    rows_before: 1,
    rows_after: 2,
    likely_key: "id",
    by: {
      column: "id",
      at_least: true,
      rows_added: 1,
      rows_removed: 0,
      rows_changed: 0,
      repeated_keys: 0,
      repeated_at_least: true,
      empty_keys: 0,
      changes: "+ id=5",
      cut: false,
    },
  },
  bytes: { before: 1, after: 2, first_difference: 1 },
};

it.each([
  ["description", description, described],
  ["comparison", comparison, compared],
])("the schema of a %s has every member of the ports", (_name, schema, value) => {
  expect(schema.strict().parse(value)).toEqual(value);
});
