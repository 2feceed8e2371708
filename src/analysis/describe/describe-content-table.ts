import type { Description } from "../../store/ports/description.js";
import type { Detected } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { describeTable } from "../tables/describe-table.js";
import { openDetectedTable } from "../tables/open-table.js";
import { describeText } from "./describe-text.js";

/**
 * The columns of a table; of tables that are text also facts about the text, if they are all known, and unless `brief`. A
 * file that tells no columns because it is damaged has only a `partial`.
 */
export async function describeContentTable(
  source: Source,
  detected: Detected,
  run: Run,
  brief = false,
): Promise<Pick<Description, "table" | "text" | "partial">> {
  const opened = await openDetectedTable(source, detected, run);
  if (opened === undefined) return {};
  const unreadable = opened.columns.length === 0 ? opened.broken() : undefined;
  if (unreadable !== undefined) return { partial: unreadable };
  const { partial, ...table } = await describeTable(opened, run, brief);
  if (partial !== undefined) return { table, partial };
  if (brief || !detected.isText) return { table };
  // Its bytes are scanned again, which takes a tenth of the time that its cells take.
  const { text, partial: cut } = await describeText(source, detected, run);
  return cut === undefined ? { table, text } : { table };
}
