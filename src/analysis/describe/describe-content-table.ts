import type { Description } from "../../store/ports/description.js";
import type { Detected } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { describeTable } from "../tables/describe-table.js";
import { openDetectedTable } from "../tables/open-table.js";
import { describeText } from "./describe-text.js";

/** The columns of a table; of tables that are text also facts about the text, if they are all known, and unless `brief`. */
export async function describeContentTable(
  source: Source,
  detected: Detected,
  run: Run,
  brief: boolean,
): Promise<Pick<Description, "table" | "text" | "partial">> {
  const opened = await openDetectedTable(source, detected, run);
  if (opened === undefined) return {};
  const { partial, ...table } = await describeTable(opened, run, brief);
  if (partial !== undefined) return { table, partial };
  if (brief || !detected.isText) return { table };
  // Its bytes are scanned again, which takes a tenth of the time that its cells take.
  const { text, partial: cut } = await describeText(source, detected, run);
  return cut === undefined ? { table, text } : { table };
}
