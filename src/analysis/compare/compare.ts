import { ArtifactError } from "../../store/model/errors.js";
import type { CompareAnalysis } from "../../store/ports/analyses.js";
import type { Comparison } from "../../store/ports/description.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import { type Run, type Source, timeIsOver } from "../source.js";
import { openDetectedTable } from "../tables/open-table.js";
import type { Table } from "../tables/table.js";
import { compareKeyedTables, compareTables } from "./compare-tables.js";
import { compareText } from "./compare-text.js";
import { firstDifference } from "./first-difference.js";

/**
 * How two contents differ: as tables if both are, else as texts if both are, else by their bytes. Tables that are text
 * are compared as texts too, unless a column names their rows.
 *
 * @throws ArtifactError `invalid_argument` if `by` is no column of both
 */
export async function compare(before: Source, after: Source, wanted: CompareAnalysis, run: Run): Promise<Comparison> {
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
  if (!areTables(tables)) return text === undefined ? { kind: "bytes", bytes } : { kind: "text", ...text };
  const { partial = text?.partial, ...table } = await compareTables(tables, wanted.names, run);
  return { kind: "table", ...(text && { text: text.text }), table, ...(partial && { partial }) };
}

async function compareByColumn(
  tables: readonly [Table | undefined, Table | undefined],
  detected: readonly [Detected, Detected],
  wanted: CompareAnalysis & { readonly by: string },
  run: Run,
): Promise<Comparison> {
  if (areTables(tables)) {
    const { partial, ...table } = await compareKeyedTables(tables, wanted, run);
    return { kind: "table", table, ...(partial && { partial }) };
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
