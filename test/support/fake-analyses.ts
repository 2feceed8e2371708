import type { AnalysedContent, Analyses, Analysis, AnalysisResult } from "../../src/store/ports/analyses.js";

export interface AnalysisCall {
  readonly wanted: Analysis;
  readonly contents: readonly AnalysedContent[];
  readonly signal: AbortSignal | undefined;
}

export interface FakeAnalyses extends Analyses {
  readonly calls: readonly AnalysisCall[];
}

/** Answers every analysis as `answer` says, and keeps the calls. */
export function createFakeAnalyses(answer: (call: AnalysisCall) => unknown): FakeAnalyses {
  const calls: AnalysisCall[] = [];
  return {
    calls,
    async run<Wanted extends Analysis>(wanted: Wanted, contents: readonly AnalysedContent[], signal?: AbortSignal) {
      const call = { wanted, contents, signal };
      calls.push(call);
      return (await answer(call)) as AnalysisResult<Wanted>;
    },
    close: async () => undefined,
  };
}

/** What an analysis does that ends only when its signal is aborted. */
export function untilAborted({ signal }: AnalysisCall): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
  });
}
