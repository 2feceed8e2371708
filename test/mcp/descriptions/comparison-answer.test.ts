import { expect, it } from "vitest";
import { comparisonAnswer } from "../../../src/mcp/descriptions/comparison-answer.js";
import type { Comparison } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const before = artifactOf({ key: "k.csv", version: 2, bytes: 100 });
const after = artifactOf({ key: "k.csv", version: 3, bytes: 120 });
const hunks = "@@ -1,2 +1,2 @@\n a\n-b\n+c\n@@ -20,3 +20,4 @@\n x\n+y\n";
const diff = `--- b/k.csv version 2\n+++ b/k.csv version 3\n${hunks}`;
const text = { lines_added: 2, lines_removed: 1, hunks: 2, diff, cut: false };
const table = { columns_added: [], columns_removed: [], rows_before: 406, rows_after: 410 };
const by = {
  column: "id",
  rows_added: 4,
  rows_removed: 0,
  rows_changed: 1,
  repeated_keys: 0,
  empty_keys: 0,
  changes: "+ id=5: a=1\n~ id=7: price 12 -> 13\n",
  cut: false,
};
const noChanges = { ...by, rows_added: 0, rows_changed: 0, changes: "" };
const none = { lines_added: 0, lines_removed: 0, hunks: 0, diff: "", cut: false };
const filler = " and more\n".repeat(100);
const plainCall = 'compare_artifacts {"bucket":"b","key":"k.csv","version":2,"to_version":3}';
const compareCall = 'compare_artifacts {"bucket":"b","key":"k.csv","version":2,"to_version":3,"by":"id"}';

it.each<[string, Comparison, string]>([
  ["identical", { kind: "identical" }, "Identical: version 2 and version 3 have the same 120 bytes."],
  ["text", { kind: "text", text }, `From version 2 to 3: 2 lines added, 1 removed, in 2 places.\n${hunks}`],
  [
    "text whose diff is cut",
    { kind: "text", text: { ...text, hunks: 9, cut: true } },
    `From version 2 to 3: 2 lines added, 1 removed, in 9 places. The diff is cut. Line by line from there: read_artifact {"bucket":"b","key":"k.csv","version":3,"line":22}.\n${hunks}`,
  ],
  [
    "text in two encodings, with two line ends",
    { kind: "text", text: { ...text, encodings: ["utf-8", "utf-16le with BOM"], line_ends: ["lf", "crlf"] } },
    `From version 2 to 3: 2 lines added, 1 removed, in 2 places. They are utf-8 and utf-16le with BOM: their characters are compared. Their line ends are lf and crlf, and are not compared.\n${hunks}`,
  ],
  [
    "text that was not all compared",
    { kind: "text", text, partial: { reason: "time", message: "The time limit was reached after 9 lines." } },
    `The time limit was reached after 9 lines. From version 2 to 3: at least 2 lines added, 1 removed, in 2 places.\n${hunks}`,
  ],
  [
    "a table by a column",
    { kind: "table", table: { ...table, by }, text },
    `From version 2 to 3: 406 to 410 rows; by id 4 rows added, 0 removed, 1 changed.\n${by.changes}`,
  ],
  [
    "a table by a column that does not name each row",
    { kind: "table", table: { ...table, by: { ...by, repeated_keys: 3, empty_keys: 1, cut: true } } },
    `From version 2 to 3: 406 to 410 rows; by id 4 rows added, 0 removed, 1 changed. id does not name each row: 3 repeat a value and 1 has none. These are matched in order. Not all changes are shown: read_artifact {"bucket":"b","key":"k.csv","version":3,"rows":5} reads rows.\n${by.changes}`,
  ],
  [
    "a table by a column with as many rows",
    { kind: "table", table: { ...table, rows_after: 406, by: { ...by, rows_added: 1, rows_removed: 1 } } },
    `From version 2 to 3: 406 rows each; by id 1 row added, 1 removed, 1 changed.\n${by.changes}`,
  ],
  [
    "a table with a diff",
    { kind: "table", table: { ...table, rows_after: 406, columns_added: ["a b", "c,d"] }, text },
    `They differ, from version 2 to 3: 406 rows each; columns added: a b, "c,d"; +2 -1 lines.\n${hunks}`,
  ],
  [
    "a table with a long diff",
    { kind: "table", table: { ...table, likely_key: "id" }, text: { ...text, diff: diff + filler } },
    `They differ, from version 2 to 3: 406 to 410 rows; +2 -1 lines. ${compareCall} shows changed rows.\n${hunks}${filler}`,
  ],
  [
    "a table with a short diff",
    { kind: "table", table: { ...table, likely_key: "id" }, text },
    `They differ, from version 2 to 3: 406 to 410 rows; +2 -1 lines.\n${hunks}`,
  ],
  [
    "the same text, stored in another way",
    {
      kind: "text",
      same: "text",
      differs: ["compression", "line_ends"],
      text: { ...none, encodings: ["utf-8", "utf-8, gzip"], line_ends: ["lf", "crlf"] },
    },
    "Same text: only the compression and the line ends differ, from version 2 to 3. They are utf-8 and utf-8, gzip: their characters are compared. Their line ends are lf and crlf, and are not compared.",
  ],
  [
    "the same table in another format",
    {
      kind: "table",
      same: "rows",
      differs: ["format"],
      table: { ...table, rows_after: 406 },
      text: { ...text, cut: true },
    },
    "Same rows: only the format differs, from version 2 to 3. 406 rows.",
  ],
  [
    "the same rows in another order",
    { kind: "table", same: "rows", differs: ["order"], table: { ...table, rows_after: 406, by: noChanges } },
    "Same rows: only the order of rows differs, from version 2 to 3. 406 rows.",
  ],
  [
    "the same lines in another order, which the diff shows",
    { kind: "text", same: "lines", differs: ["order"], text },
    `Same lines: only the order of lines differs, from version 2 to 3.\n${hunks}`,
  ],
  [
    "the same rows in other quotes",
    { kind: "table", same: "rows", differs: [], table: { ...table, rows_after: 410 }, text: { ...text, cut: true } },
    "Same rows: only how it is written differs, from version 2 to 3. 410 rows.",
  ],
  [
    "a table by a column that was not all compared",
    {
      kind: "table",
      partial: { reason: "memory", message: "The comparison is not complete: it is large." },
      table: {
        ...table,
        by: { ...by, at_least: true, rows_removed: 9, changes: "~ id=7: price 12 -> 13\n", rows_added: 0 },
      },
    },
    `The comparison is not complete: it is large. From version 2 to 3: by id at least 9 removed, at least 1 changed. If both are text, ${plainCall} compares all lines.\n~ id=7: price 12 -> 13\n`,
  ],
  [
    "a table by a column of which little was compared",
    {
      kind: "table",
      partial: { reason: "time", message: "The comparison is not complete: it is large." },
      table: { ...table, by: { ...noChanges, at_least: true, repeated_keys: 2, repeated_at_least: true } },
    },
    `The comparison is not complete: it is large. From version 2 to 3: by id no change was found in the rows that were matched. id does not name each row: at least 2 repeat a value and 0 have none. These are matched in order. If both are text, ${plainCall} compares all lines.`,
  ],
  [
    "a table whose rows were not all counted",
    { kind: "table", partial: { reason: "time", message: "The time limit was reached." }, table },
    "The time limit was reached. They differ, from version 2 to 3: at least 406 rows before and 410 after.",
  ],
  [
    "a table without a diff",
    { kind: "table", table: { ...table, columns_removed: ["a"], likely_key: "id" } },
    `They differ, from version 2 to 3: 406 to 410 rows; columns removed: a. ${compareCall} shows changed rows.`,
  ],
  [
    "bytes that were not all compared",
    {
      kind: "bytes",
      bytes: { before: 100, after: 120, first_difference: 57 },
      partial: { reason: "time", message: "The time limit was reached after the first 57 bytes, which are the same." },
    },
    "The time limit was reached after the first 57 bytes, which are the same. From version 2 to 3: 100 to 120 bytes. describe_artifact says what each one is.",
  ],
  [
    "bytes",
    { kind: "bytes", bytes: { before: 100, after: 120, first_difference: 57 } },
    "From version 2 to 3: 100 to 120 bytes, the first that differs is at offset 57. describe_artifact says what each one is.",
  ],
])("tells how two versions differ: %s", (_what, comparison, expected) => {
  const result = comparisonAnswer({ before, after, comparison });
  expect(textOf(result)).toBe(expected);
  expect(result.structuredContent).toEqual({
    before: { bucket: "b", key: "k.csv", version: 2, bytes: 100 },
    after: { bucket: "b", key: "k.csv", version: 3, bytes: 120 },
    ...comparison,
  });
});

it.each([
  [{ key: "n.csv" }, "Identical: k.csv version 2 and n.csv version 3 have"],
  [{ key: "a\u2028b" }, 'Identical: k.csv version 2 and "a\\u2028b" version 3 have'],
  [{ bucket: "c" }, "Identical: b/k.csv version 2 and c/k.csv version 3 have"],
])("names keys and buckets where they differ: %j", (other, expected) => {
  const result = comparisonAnswer({ before, after: { ...after, ...other }, comparison: { kind: "identical" } });
  expect(textOf(result)).toContain(expected);
});

it("names both artifacts in the call for changed rows", () => {
  const comparison: Comparison = { kind: "table", table: { ...table, likely_key: "c d" } };
  const result = comparisonAnswer({ before, after: artifactOf({ bucket: "c", key: "n" }), comparison });
  expect(textOf(result)).toContain(
    'compare_artifacts {"bucket":"b","key":"k.csv","version":2,"to_bucket":"c","to_key":"n","to_version":1,"by":"c d"}',
  );
});

it.each([
  ["@@ -1,9 +0,0 @@\n-a\n-b\n", 1],
  ["@@ -5,9 +4,0 @@\n-a\n", 5],
  ["@@ -1,2 +1,2 @@\n a\n-b\n+c\n", 3],
  ["@@ -1 +1 @@\n-b\n+c\n", 2],
  ["@@ -1 +1,2 @@\n-b\n+c\u2028+d\n+@@ e\n", 3],
])("goes on after the last line that a diff shows: %j", (shown, line) => {
  const comparison: Comparison = {
    kind: "text",
    text: { ...text, lines_added: 9, diff: `--- a\n+++ b\n${shown}`, cut: true },
  };
  expect(textOf(comparisonAnswer({ before, after, comparison }))).toContain(`"version":3,"line":${line}}.`);
});

it.each([
  ["@@ -1,3 +1,2 @@\n a\n-b\n-c\n+d\n", 4],
  ["@@ -0,0 +1 @@\n+d\n", 1],
  ["@@ -9,2 +8,0 @@\n-x\n-- y\n", 11],
])("goes on in the text before if only removed lines are not shown: %j", (shown, line) => {
  const added = shown.includes("+d") ? 1 : 0;
  const comparison: Comparison = {
    kind: "text",
    text: { ...text, lines_added: added, lines_removed: 9, diff: `--- a\n+++ b\n${shown}`, cut: true },
  };
  expect(textOf(comparisonAnswer({ before, after, comparison }))).toContain(`"version":2,"line":${line}}.`);
});

it("says of one row that it repeats a value", () => {
  const comparison: Comparison = { kind: "table", table: { ...table, by: { ...by, repeated_keys: 1 } } };
  expect(textOf(comparisonAnswer({ before, after, comparison }))).toContain(
    "id does not name each row: 1 repeats a value and 0 have none. These are matched in order.",
  );
});

it.each([
  [20, "c19;"],
  [21, "c19 and 1 more;"],
  [199, "c19 and 179 more;"],
  [200, "c19 and at least 180 more;"], // a comparison has no more names
])("names 20 columns of %d", (columns, end) => {
  const names = Array.from({ length: columns }, (_, at) => `c${at}`);
  const comparison: Comparison = { kind: "table", table: { ...table, columns_added: names }, text };
  const listed = names.slice(0, 19).join(", ");
  expect(textOf(comparisonAnswer({ before, after, comparison }))).toContain(`columns added: ${listed}, ${end} +2`);
});

it("puts what was not compared first, also in the structured answer", () => {
  const comparison: Comparison = {
    kind: "text",
    text,
    partial: { reason: "time", message: "The time limit was reached." },
  };
  const { structuredContent = {} } = comparisonAnswer({ before, after, comparison });
  expect(Object.keys(structuredContent)[0]).toBe("partial");
});
