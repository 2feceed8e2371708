import type { FindAnalysis } from "../../store/ports/analyses.js";
import type { FoundLines } from "../../store/ports/description.js";
import type { Run, Source } from "../source.js";

export async function findLines(source: Source, wanted: FindAnalysis, run: Run): Promise<FoundLines> {
  throw new Error(`not yet ${typeof source} ${typeof wanted} ${typeof run}`);
}
