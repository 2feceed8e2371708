import type { RowsAnalysis } from "../../store/ports/analyses.js";
import type { RowsPage } from "../../store/ports/description.js";
import type { Run, Source } from "../source.js";

export async function readRows(source: Source, wanted: RowsAnalysis, run: Run): Promise<RowsPage> {
  throw new Error(`not yet ${typeof source} ${typeof wanted} ${typeof run}`);
}
