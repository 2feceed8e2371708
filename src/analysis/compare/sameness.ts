import type { Comparison } from "../../store/ports/description.js";
import type { Detected } from "../formats/detect-format.js";
import type { Table } from "../tables/table.js";
import type { ComparedTables } from "./rows/compare-tables.js";
import type { ComparedText } from "./text/compare-text.js";

type Sameness = Pick<Comparison, "same" | "differs">;
type Difference = NonNullable<Comparison["differs"]>[number];

/** That two texts are the same for a reader, and what differs. */
export function sameness(
  same: "text" | "lines",
  detected: readonly [Detected, Detected],
  { text }: ComparedText,
): Required<Sameness> {
  const differs = storageDifferences(detected);
  if (text.line_ends !== undefined) differs.push("line_ends");
  if (same === "lines") differs.push("order");
  return { same, differs };
}

/** That two tables have the same rows, if they have, and what differs. */
export function samenessOfRows(
  { sameRows }: ComparedTables,
  [before, after]: readonly [Table, Table],
  detected: readonly [Detected, Detected],
): Sameness {
  if (sameRows === undefined) return {};
  const differs = storageDifferences(detected);
  if (before.columns.some(({ name }, at) => name !== after.columns[at]?.name)) differs.push("column_order");
  if (sameRows === "other order") differs.push("order");
  return { same: "rows", differs };
}

function storageDifferences([before, after]: readonly [Detected, Detected]): Difference[] {
  const { encoding = "utf-8", bom = false } = before;
  const hasOtherCharacters = encoding !== (after.encoding ?? "utf-8") || bom !== (after.bom ?? false);
  return [
    ...(before.format === after.format ? [] : (["format"] as const)),
    ...(before.compression === after.compression ? [] : (["compression"] as const)),
    ...(hasOtherCharacters && before.isText && after.isText ? (["encoding"] as const) : []),
  ];
}
