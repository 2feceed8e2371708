import { parentPort } from "node:worker_threads";
import type { Run, Source } from "../../analysis/source.js";
import type { Analysis } from "../../store/ports/analyses.js";
import { AnalysisMemory } from "./analysis-memory.js";
import { type AnalysisAnswer, type AnalysisLimits, type AnalysisRequest, toFailure } from "./analysis-messages.js";
import { AnalysisRun } from "./analysis-run.js";

type RunAnalysis = (wanted: Analysis, sources: readonly [Source, ...Source[]], run: Run) => Promise<unknown>;
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

/** Runs what the calling thread asks for, one analysis at a time, and asks that thread for the bytes that it reads. */
export function serveAnalyses(runAnalysis: RunAnalysis): void {
  parentPort?.on("message", (request: AnalysisRequest) => {
    if (request.kind === "run") void answerOf(request, runAnalysis).then(postAnswer);
    else settle(request);
  });
}

async function answerOf({ wanted, contents, limits }: RunRequest, runAnalysis: RunAnalysis): Promise<AnalysisAnswer> {
  const run = new AnalysisRun(limits, memory, (known) => post({ kind: "known", known }));
  try {
    const [first, ...others] = contents.map((content, index) => sourceOf(content, index, run, limits));
    if (first === undefined) throw new Error("an analysis needs a content");
    const result = await runAnalysis(wanted, [first, ...others], run);
    run.throwIfStopped();
    return { kind: "done", result };
  } catch (error) {
    return { kind: "failed", failure: toFailure(error) };
  } finally {
    reads.clear(); // blocks that were read ahead
  }
}

function sourceOf(content: Omit<Source, "read">, index: number, run: AnalysisRun, limits: AnalysisLimits): Source {
  return {
    ...content,
    async read(start, length) {
      run.checkMemory();
      const left = Math.max(0, Math.min(length, content.bytes - start));
      if (left === 0) return new Uint8Array(0);
      return left > limits.memoryBytes / 2 ? run.stop() : readBlock(index, start, left);
    },
  };
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

function postAnswer(answer: AnalysisAnswer): void {
  try {
    post(answer);
  } catch (error) {
    post({ kind: "failed", failure: toFailure(error) }); // the result cannot be copied
  }
}
