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
const compareCall = 'compare_artifacts {"bucket":"b","key":"k.csv","version":2,"to_version":3,"by":"COLUMN"}';

it.each<[string, Comparison, string]>([
  ["identical", { kind: "identical" }, "Identical: version 2 and version 3 have the same 120 bytes."],
  ["text", { kind: "text", text }, `From version 2 to version 3: 2 lines added, 1 removed, in 2 places.\n${hunks}`],
  [
    "text whose diff is cut",
    { kind: "text", text: { ...text, hunks: 9, cut: true } },
    `From version 2 to version 3: 2 lines added, 1 removed, in 9 places. The diff is cut. Line by line from there: read_artifact {"bucket":"b","key":"k.csv","version":3,"line":22}.\n${hunks}`,
  ],
  [
    "text in two encodings, with two line ends",
    { kind: "text", text: { ...text, encodings: ["utf-8", "utf-16le with BOM"], line_ends: ["lf", "crlf"] } },
    `From version 2 to version 3: 2 lines added, 1 removed, in 2 places. They are utf-8 and utf-16le with BOM: their characters are compared. Their line ends are lf and crlf, and are not compared.\n${hunks}`,
  ],
  [
    "text that was not all compared",
    { kind: "text", text, partial: { reason: "time", message: "The time was over after 9 lines." } },
    `From version 2 to version 3: 2 lines added, 1 removed, in 2 places. The time was over after 9 lines.\n${hunks}`,
  ],
  [
    "a table by a column",
    { kind: "table", table: { ...table, by }, text },
    `From version 2 to version 3: 406 to 410 rows; by id 4 rows added, 0 removed, 1 changed.\n${by.changes}`,
  ],
  [
    "a table by a column that does not name each row",
    { kind: "table", table: { ...table, by: { ...by, repeated_keys: 3, empty_keys: 1, cut: true } } },
    `From version 2 to version 3: 406 to 410 rows; by id 4 rows added, 0 removed, 1 changed. id does not name each row: 3 repeat a value and 1 have none, and are matched in order. Not all changes are shown: read_artifact {"bucket":"b","key":"k.csv","version":3,"rows":5} reads rows.\n${by.changes}`,
  ],
  [
    "a table with a diff",
    { kind: "table", table: { ...table, rows_after: 406, columns_added: ["a b", "c,d"] }, text },
    `From version 2 to version 3: 406 rows; columns added: a b, "c,d".\n${hunks}`,
  ],
  [
    "a table without a diff",
    { kind: "table", table: { ...table, columns_removed: ["a"] } },
    `From version 2 to version 3: 406 to 410 rows; columns removed: a. ${compareCall} shows changed rows, by a column that names them.`,
  ],
  [
    "bytes",
    { kind: "bytes", bytes: { before: 100, after: 120, first_difference: 57 } },
    "From version 2 to version 3: 100 to 120 bytes, the first that differs is at offset 57. describe_artifact says what each one is.",
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
  const comparison: Comparison = { kind: "table", table };
  const result = comparisonAnswer({ before, after: artifactOf({ bucket: "c", key: "n" }), comparison });
  expect(textOf(result)).toContain(
    'compare_artifacts {"bucket":"b","key":"k.csv","version":2,"to_bucket":"c","to_key":"n","to_version":1,"by":"COLUMN"}',
  );
});
