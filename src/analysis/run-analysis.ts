import type { Analysis, AnalysisResult } from "../store/ports/analyses.js";
import type { Run, Source } from "./source.js";

/** Runs an analysis. The code of each kind, and of each format, is loaded when it is needed first. */
export async function runAnalysis<Wanted extends Analysis>(
  wanted: Wanted,
  sources: readonly [Source, ...Source[]],
  run: Run,
): Promise<AnalysisResult<Wanted>> {
  return (await resultOf(wanted, sources, run)) as AnalysisResult<Wanted>;
}

async function resultOf(wanted: Analysis, [first, second = first]: readonly [Source, ...Source[]], run: Run) {
  switch (wanted.kind) {
    case "describe":
      return (await import("./describe/describe.js")).describe(first, run, wanted.brief);
    case "lines":
      return (await import("./find/read-lines.js")).readLines(first, wanted, run);
    case "rows":
      return (await import("./tables/read-rows.js")).readRows(first, wanted, run);
    case "find":
      return (await import("./find/find-lines.js")).findLines(first, wanted, run);
    case "compare":
      return (await import("./compare/compare.js")).compare(first, second, wanted, run);
  }
}
