import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Artifact } from "../../store/model/artifact.js";
import { count, countIs } from "../../store/model/count.js";
import type { RowsPage } from "../../store/ports/description.js";
import { spanOf } from "./lines-answer.js";
import { nextCount, readCall } from "./read-call.js";
import type { RowsRequest } from "./read-request.js";

/** Rows of a table that breaks off are missing, unless the last of all rows is on the page. */
function endText({ last, total, partial }: RowsPage): string {
  const isMissing = partial?.reason === "damaged" && (total === undefined || last < total);
  return isMissing ? "No more rows can be read." : "This is the end.";
}

/** Why a page does not begin where it was asked for. */
function startText({ row = 1 }: RowsRequest, total = 0): string {
  return total > 0 && -row > total ? `There is no row ${row}, so this begins with row 1.` : "";
}

/** Rows as CSV. The answer begins with where they stand and with the call for the next ones. */
export function rowsAnswer(page: RowsPage & { readonly artifact: Artifact }, asked: RowsRequest): CallToolResult {
  const { artifact, csv, first, last, total, columns, omitted_columns = 0, cut = 0, partial } = page;
  const shown = first === 0 ? 0 : last - first + 1;
  const isEnd = page.more === false;
  const hasNext = !isEnd && shown > 0;
  const next = { columns: asked.columns, row: last + 1, rows: nextCount(asked.rows, shown) };
  const of = total === undefined ? "" : ` of ${total}`;
  const width = columns.length + omitted_columns;
  const parts = [
    `${total === 0 ? "The table has no rows" : `${spanOf("Row", first, last)}${of}`} (${count(width, "column")}, version ${artifact.version}).`,
    startText(asked, total),
    omitted_columns === 0
      ? ""
      : `Only the first ${countIs(columns.length, "column")} shown: name those that you need in columns.`,
    cut === 0 ? "" : `${countIs(cut, "cell")} cut, being too long for a page.`,
    partial?.message ?? "",
    isEnd ? endText(page) : "",
    hasNext ? `${page.more ? "Next page" : "More, if there are any"}: ${readCall(artifact, next)}` : "",
  ];
  return {
    content: [
      { type: "text", text: parts.filter((part) => part !== "").join(" ") },
      { type: "text", text: csv },
    ],
    _meta: {
      row: first,
      rows: shown,
      ...(total === undefined ? {} : { total_rows: total }),
      ...(hasNext ? { next_row: last + 1 } : {}),
    },
  };
}
