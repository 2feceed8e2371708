import { runAnalysis } from "../../src/analysis/run-analysis.js";
import type { Source } from "../../src/analysis/source.js";
import type { AnalysedContent, Analyses } from "../../src/store/ports/analyses.js";

/** Runs analyses in the calling thread, without a limit of memory. */
export function createPlainAnalyses(timeMs = Number.POSITIVE_INFINITY): Analyses {
  return {
    async run(wanted, contents) {
      const ends = performance.now() + timeMs;
      const [first, ...rest] = contents.map(sourceOf);
      if (first === undefined) throw new Error("an analysis needs a content");
      return runAnalysis(wanted, [first, ...rest], { isOver: () => performance.now() > ends, report: () => undefined });
    },
    close: async () => undefined,
  };
}

export function sourceOf({ reader, ...content }: AnalysedContent): Source {
  return { ...content, read: async (start, length) => Uint8Array.from(await reader.read(start, length)) };
}
