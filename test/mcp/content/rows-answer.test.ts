import { expect, it } from "vitest";
import type { RowsRequest } from "../../../src/mcp/content/read-request.js";
import { rowsAnswer } from "../../../src/mcp/content/rows-answer.js";
import type { RowsPage } from "../../../src/store/ports/description.js";
import { artifactOf } from "../../support/artifact-of.js";
import { textOf } from "../../support/mcp-client.js";

const artifact = artifactOf({ key: "k.csv", version: 2 });
const at = '"bucket":"b","key":"k.csv","version":2';

function answer(page: Partial<RowsPage>, asked: RowsRequest) {
  const whole = { columns: ["a", "b"], csv: "a,b\n1,2\n", first: 1, last: 1, more: false, ...page, artifact };
  return rowsAnswer(whole, asked);
}

it.each<[string, Partial<RowsPage>, RowsRequest, string]>([
  [
    "the first rows, with the call for as many again",
    { first: 1, last: 5, total: 406, more: true },
    { columns: ["a", "b"], rows: 5 },
    `Rows 1 to 5 of 406 (2 columns, version 2). Next page: read_artifact {${at},"columns":["a","b"],"row":6,"rows":5}`,
  ],
  [
    "rows that do not all fit",
    { first: 11, last: 40, more: true },
    { row: 11, rows: 100 },
    `Rows 11 to 40 (2 columns, version 2). Next page: read_artifact {${at},"row":41,"rows":70}`,
  ],
  [
    "an end that is not known",
    { first: 1, last: 5, more: undefined as unknown as boolean },
    { rows: 5 },
    `Rows 1 to 5 (2 columns, version 2). More, if there are any: read_artifact {${at},"row":6,"rows":5}`,
  ],
  [
    "the end",
    { first: 406, last: 406, total: 406 },
    { rows: -1 },
    "Row 406 of 406 (2 columns, version 2). This is the end.",
  ],
  [
    "no rows, as the time limit was reached",
    { first: 0, last: 0, more: true, partial: { reason: "time", message: "The time limit was reached after 9 rows." } },
    { rows: -2 },
    "No rows (2 columns, version 2). The time limit was reached after 9 rows.",
  ],
  [
    "no rows",
    { first: 0, last: 0, total: 0 },
    { rows: 5 },
    "The table has no rows (2 columns, version 2). This is the end.",
  ],
  [
    "all rows, of which some are short",
    { first: 1, last: 3, total: 3, columns: ["a"], partial: { reason: "damaged", message: "Row 2 has fewer cells." } },
    {},
    "Rows 1 to 3 of 3 (1 column, version 2). Row 2 has fewer cells. This is the end.",
  ],
  [
    "fewer rows than the format says",
    { first: 1, last: 3, total: 9, partial: { reason: "damaged", message: "Row 4 cannot be read." } },
    {},
    "Rows 1 to 3 of 9 (2 columns, version 2). Row 4 cannot be read. No more rows can be read.",
  ],
  [
    "a number before the first row",
    { first: 1, last: 3, total: 3 },
    { row: -99_999 },
    "Rows 1 to 3 of 3 (2 columns, version 2). There is no row -99999, so this begins with row 1. This is the end.",
  ],
  [
    "the first row by a number from the end",
    { first: 1, last: 3, total: 3 },
    { row: -3 },
    "Rows 1 to 3 of 3 (2 columns, version 2). This is the end.",
  ],
  [
    "columns without room",
    { first: 1, last: 1, total: 1, omitted_columns: 98 },
    { rows: 5 },
    "Row 1 of 1 (100 columns, version 2). Only the first 2 columns are shown: name those that you need in columns. This is the end.",
  ],
  [
    "cells that are cut",
    { first: 1, last: 1, total: 1, cut: 1 },
    { rows: 5 },
    "Row 1 of 1 (2 columns, version 2). 1 cell is cut, being too long for a page. This is the end.",
  ],
  [
    "a table that breaks off",
    { first: 1, last: 3, partial: { reason: "damaged", message: "The table breaks off after row 3." } },
    { rows: 5 },
    "Rows 1 to 3 (2 columns, version 2). The table breaks off after row 3. No more rows can be read.",
  ],
])("says where rows stand: %s", (_what, page, asked, text) => {
  const result = answer(page, asked);
  expect(textOf(result)).toBe(text);
  expect(textOf(result, 1)).toBe("a,b\n1,2\n");
});

it("says in _meta which rows are shown", () => {
  const middle = answer({ first: 3, last: 4, total: 9, more: true }, {});
  expect(middle._meta).toEqual({ row: 3, rows: 2, total_rows: 9, next_row: 5 });
  expect(answer({ first: 3, last: 9 }, {})._meta).toEqual({ row: 3, rows: 7 });
});
