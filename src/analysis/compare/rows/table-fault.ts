import { count } from "../../../store/model/count.js";
import type { PartialReason } from "../../../store/ports/description.js";
import type { Table } from "../../tables/table.js";

/**
 * What was not compared of a table whose rows were read just now. The next reading forgets it.
 *
 * @param name how the table is called
 * @param isMatched its rows were matched with those of another table
 */
export function faultOf(table: Table, name: string, isMatched = false): PartialReason | undefined {
  const broken = table.broken();
  if (broken !== undefined) {
    const isMissing = isMatched && table.hasAllRows?.() !== true;
    const missing = isMissing ? " Rows that are missing count as added or removed." : "";
    return { ...broken, message: `${name}: ${broken.message}${missing}` };
  }
  const { names, hasMore = false } = table.laterColumns?.() ?? { names: new Set<string>() };
  if (names.size === 0) return undefined;
  const columns = `${hasMore ? "at least " : ""}${count(names.size, "column")}`;
  return { reason: "size", message: `${name}: ${columns} that only later rows have were not compared.` };
}
