import { parentPort } from "node:worker_threads";
import { runAnalysis } from "../../analysis/run-analysis.js";
import type { Source } from "../../analysis/source.js";
import { AnalysisStopped } from "../../store/ports/analyses.js";
import { AnalysisMemory } from "./analysis-memory.js";
import { type AnalysisAnswer, type AnalysisRequest, toFailure } from "./analysis-messages.js";
import { AnalysisRun } from "./analysis-run.js";

/* The program of the threads of `AnalysisThreads`: it runs one analysis at a time, and asks for the bytes that it reads. */

type RunRequest = Extract<AnalysisRequest, { kind: "run" }>;

interface Reading {
  resolve(block: Uint8Array): void;
  reject(error: Error): void;
}

const memory = new AnalysisMemory();
/** Reads that were not answered yet, by their number. */
const reads = new Map<number, Reading>();
let lastRead = 0;

function post(answer: AnalysisAnswer): void {
  parentPort?.postMessage(answer);
}

async function serve({ wanted, contents, limits }: RunRequest): Promise<AnalysisAnswer> {
  const run = new AnalysisRun(limits, memory, (known) => post({ kind: "known", known }));
  try {
    const [first, ...others] = contents.map((content, index): Source => {
      const read = (start: number, length: number) => {
        run.throwIfStopped();
        const left = Math.max(0, Math.min(length, content.bytes - start));
        // Such a read alone would use up the memory.
        if (left > limits.memoryBytes / 2) throw new AnalysisStopped("memory");
        return left === 0 ? Promise.resolve(new Uint8Array(0)) : readBlock(index, start, left);
      };
      return { ...content, read: async (start, length) => read(start, length) };
    });
    if (first === undefined) throw new Error("an analysis needs a content");
    const result = await runAnalysis(wanted, [first, ...others], run);
    run.throwIfStopped(); // the analysis may have taken this error for one of the content
    return { kind: "done", result };
  } catch (error) {
    return { kind: "failed", failure: toFailure(error) };
  } finally {
    reads.clear(); // blocks that were read ahead
  }
}

function readBlock(content: number, start: number, length: number): Promise<Uint8Array> {
  lastRead += 1;
  const read = lastRead;
  const block = new Promise<Uint8Array>((resolve, reject) => reads.set(read, { resolve, reject }));
  block.catch(() => undefined); // an analysis that reads ahead may end before it looks at this block
  post({ kind: "read", read, content, start, length });
  return block;
}

function settle(request: Exclude<AnalysisRequest, RunRequest>): void {
  const reading = reads.get(request.read);
  reads.delete(request.read);
  if (request.kind === "block") reading?.resolve(request.block);
  else reading?.reject(new Error("the content cannot be read"));
}

function postResult(answer: AnalysisAnswer): void {
  try {
    post(answer);
  } catch (error) {
    post({ kind: "failed", failure: toFailure(error) }); // the result cannot be copied
  }
}

parentPort?.on("message", (request: AnalysisRequest) => {
  if (request.kind === "run") void serve(request).then(postResult);
  else settle(request);
});
