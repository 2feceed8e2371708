import type { PartialReason } from "../../store/ports/description.js";
import type { Table } from "../tables/table.js";

/**
 * What was not compared of a table whose rows were read just now. The next reading forgets it.
 *
 * @param name how the table is called
 */
export function faultOf(table: Table, name: string): PartialReason | undefined {
  const broken = table.broken();
  if (broken !== undefined) return { ...broken, message: `${name}: ${broken.message}` };
  const later = table.laterColumns?.() ?? 0;
  if (later === 0) return undefined;
  return { reason: "size", message: `${name}: ${later} columns that only later rows have were not compared.` };
}
