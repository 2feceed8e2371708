import type { CompareAnalysis } from "../../store/ports/analyses.js";
import type { Comparison } from "../../store/ports/description.js";
import type { Run, Source } from "../source.js";

export async function compare(before: Source, after: Source, wanted: CompareAnalysis, run: Run): Promise<Comparison> {
  throw new Error(`not yet ${typeof before} ${typeof after} ${typeof wanted} ${typeof run}`);
}
