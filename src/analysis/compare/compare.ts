import { ArtifactError } from "../../store/model/errors.js";
import type { CompareAnalysis } from "../../store/ports/analyses.js";
import type { Comparison } from "../../store/ports/description.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import { type Run, type Source, timeIsOver } from "../source.js";
import { openDetectedTable } from "../tables/open-table.js";
import type { Table } from "../tables/table.js";
import { firstDifference } from "./first-difference.js";
import { oneLine } from "./one-line.js";
import { type ComparedTables, compareKeyedTables, compareTables } from "./rows/compare-tables.js";
import { sameness, samenessOfRows } from "./sameness.js";
import { type ComparedText, compareText } from "./text/compare-text.js";

/**
 * How two contents differ: as tables if both are, else as texts if both are, else by their bytes. Tables that are text
 * are compared as texts too, unless a column names their rows.
 *
 * @throws ArtifactError `invalid_argument` if `by` is no column of both
 */
export async function compare(before: Source, after: Source, asked: CompareAnalysis, run: Run): Promise<Comparison> {
  const wanted = { ...asked, names: [oneLine(asked.names[0]), oneLine(asked.names[1])] as const }; // keys may have any characters
  const { at, compared } = await firstDifference(before, after, run);
  if (at === undefined && compared === before.bytes) return { kind: "identical" };
  const bytes = { before: before.bytes, after: after.bytes, first_difference: at ?? compared };
  if (at === undefined) {
    return { kind: "bytes", bytes, partial: timeIsOver(`the first ${compared} bytes, which are the same`) };
  }
  const detected = [await detectFormat(before), await detectFormat(after)] as const;
  const tables = [
    await openDetectedTable(before, detected[0], run),
    await openDetectedTable(after, detected[1], run),
  ] as const;
  if (wanted.by !== undefined) return compareByColumn(tables, detected, { ...wanted, by: wanted.by }, run);
  const text = areTexts(before, after, detected)
    ? await compareText([before, detected[0]], [after, detected[1]], at, wanted, run)
    : undefined;
  if (!areTables(tables)) return text === undefined ? { kind: "bytes", bytes } : textComparison(text, detected);
  return tableComparison(tables, detected, text, await compareTables(tables, wanted.names, run, text));
}

function tableComparison(
  tables: readonly [Table, Table],
  detected: readonly [Detected, Detected],
  text: ComparedText | undefined,
  found: ComparedTables,
): Comparison {
  const partial = found.partial ?? (found.sameRows === undefined ? text?.partial : undefined);
  return {
    kind: "table",
    ...(text?.same === "text" ? sameness("text", detected, text) : samenessOfRows(found, tables, detected)),
    ...(partial && { partial }),
    ...(text && { text: text.text }),
    table: found.table,
  };
}

function textComparison(found: ComparedText, detected: readonly [Detected, Detected]): Comparison {
  const { text, partial, same } = found;
  return {
    kind: "text",
    ...(partial === undefined && same !== undefined && sameness(same, detected, found)),
    ...(partial && { partial }),
    text,
  };
}

async function compareByColumn(
  tables: readonly [Table | undefined, Table | undefined],
  detected: readonly [Detected, Detected],
  wanted: CompareAnalysis & { readonly by: string },
  run: Run,
): Promise<Comparison> {
  if (areTables(tables)) {
    const found = await compareKeyedTables(tables, wanted, run);
    const { table, partial } = found;
    return { kind: "table", ...samenessOfRows(found, tables, detected), ...(partial && { partial }), table };
  }
  const which = isTable(tables[0]) ? 1 : 0;
  const fault = tables[which]?.broken();
  const message = `${wanted.names[which]} is no table that can be read: its format is ${detected[which].format}.`;
  throw new ArtifactError("invalid_argument", fault === undefined ? message : `${message} ${fault.message}`, {
    next: "describe_content",
    details: { argument: "by", format: detected[which].format },
  });
}

function areTables(tables: readonly (Table | undefined)[]): tables is readonly [Table, Table] {
  return tables.every(isTable);
}

/** A table that is damaged at once has no columns. */
function isTable(table: Table | undefined): table is Table {
  return table !== undefined && table.columns.length > 0;
}

/** An empty content is a text if the other one is. */
function areTexts(before: Source, after: Source, [left, right]: readonly [Detected, Detected]): boolean {
  return (left.isText || before.bytes === 0) && (right.isText || after.bytes === 0);
}
