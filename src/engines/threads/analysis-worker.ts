import { Worker } from "node:worker_threads";
import { type AnalysedContent, type Analysis, AnalysisStopped } from "../../store/ports/analyses.js";
import {
  type AnalysisAnswer,
  type AnalysisLimits,
  type AnalysisRequest,
  analysisFailed,
  toError,
} from "./analysis-messages.js";

const MiB = 1024 * 1024;
/**
 * The heap may grow to this multiple of the limit between two looks of the analysis at its memory. V8 ends the thread
 * there, but the whole process if one object alone is much larger than what is left. One step on a part of the content,
 * as parsing 32 MiB of JSON, stays below 1 GiB.
 */
const heapHeadroom = 16;
const youngGenerationMiB = 8;

interface Job {
  readonly contents: readonly AnalysedContent[];
  /** The newest report. */
  known: unknown;
  /** The first error of a reader. */
  readError: { readonly error: unknown } | undefined;
  settle(outcome: { readonly result: unknown } | { readonly error: unknown }): void;
}

/** A running thread. It runs one analysis at a time, and keeps the process alive only while it does, and while it ends. */
export class AnalysisWorker {
  readonly #worker: Worker;
  readonly #limits: AnalysisLimits;
  #job: Job | undefined;
  /** What has ended the thread. */
  #cause: unknown;
  #isEnding = false;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;

  /** @throws Error if the system gives no thread */
  constructor(program: string, limits: AnalysisLimits) {
    this.#limits = limits;
    this.#worker = new Worker(program, {
      name: "analysis",
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil((heapHeadroom * limits.memoryBytes) / MiB),
        maxYoungGenerationSizeMb: youngGenerationMiB,
      },
    });
    this.#worker.on("message", (answer: AnalysisAnswer) => this.#receive(answer));
    this.#worker.on("error", (error) => {
      this.#cause = error;
      this.#isEnding = true;
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        if (!this.#isEnding) this.#cause = new Error(`the thread has ended with exit code ${code}`);
        this.#isEnding = true;
        this.#job?.settle({ error: endError(this.#cause, this.#job.known) });
        resolve();
      });
    });
    this.#worker.unref(); // must come after `on("message")`, which refs the worker
  }

  /** False if it ends, or has ended. */
  get isUsable(): boolean {
    return !this.#isEnding;
  }

  /** What has ended the thread. Undefined if it runs, or if this object has ended it. */
  get failure(): unknown {
    return this.#cause;
  }

  /**
   * Runs an analysis. The limits count from now on.
   *
   * @throws AnalysisStopped, ArtifactError, the error of a reader, or the signal's reason
   */
  async run(wanted: Analysis, contents: readonly AnalysedContent[], signal?: AbortSignal): Promise<unknown> {
    const { timeMs, graceMs } = this.#limits;
    const limit = setTimeout(() => this.#stop((known) => new AnalysisStopped("time", known)), timeMs + graceMs);
    const abort = () => this.#stop(() => signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    this.#worker.ref();
    try {
      return await new Promise((resolve, reject) => {
        this.#job = {
          contents,
          known: undefined,
          readError: undefined,
          settle: (outcome) => ("error" in outcome ? reject(outcome.error) : resolve(outcome.result)),
        };
        const facts = contents.map(({ key, mimeType, bytes }) => ({ key, mimeType, bytes }));
        this.#post({ kind: "run", wanted, contents: facts, limits: this.#limits });
      });
    } finally {
      this.#job = undefined;
      clearTimeout(limit);
      signal?.removeEventListener("abort", abort);
      if (!this.#isEnding) this.#worker.unref();
    }
  }

  /** Ends the thread. A running analysis rejects with this error. */
  end(error?: Error): void {
    this.#stop(() => error);
  }

  /** Does not wait for the end of the thread: V8 cannot interrupt everything. */
  #stop(errorOf: (known: unknown) => unknown): void {
    this.#isEnding = true;
    this.#job?.settle({ error: errorOf(this.#job.known) });
    this.#job = undefined;
    this.#worker.ref(); // else the process could end while it waits for the end of the thread
    void this.#worker.terminate();
  }

  #receive(answer: AnalysisAnswer): void {
    const job = this.#job;
    if (job === undefined) return; // the analysis was stopped, or this block was read ahead in vain
    switch (answer.kind) {
      case "read":
        void this.#read(job, answer);
        return;
      case "known":
        job.known = answer.known;
        return;
      case "done":
        job.settle(job.readError ?? { result: answer.result });
        return;
      case "failed":
        job.settle(job.readError ?? { error: errorOf(answer, job.known) });
        // What has used up the memory may still be there.
        if (answer.failure.kind === "stopped") this.end();
    }
  }

  async #read(job: Job, { read, content, start, length }: Extract<AnalysisAnswer, { kind: "read" }>): Promise<void> {
    try {
      const block = await readInto(new Uint8Array(length), job.contents[content], start);
      this.#post({ kind: "block", read, block }, [block.buffer]);
    } catch (error) {
      job.readError ??= { error };
      this.#post({ kind: "unreadable", read });
    }
  }

  #post(request: AnalysisRequest, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer);
  }
}

/** Reads as many bytes as `into` has, or fewer at the end of the content. The result has a buffer of its own. */
async function readInto(
  into: Uint8Array<ArrayBuffer>,
  content: AnalysedContent | undefined,
  start: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const found = await content?.reader.read(start, into.length, into);
  if (found === undefined) throw new Error("there is no such content");
  return found.buffer === into.buffer ? into.subarray(0, found.length) : new Uint8Array(found);
}

function errorOf({ failure }: Extract<AnalysisAnswer, { kind: "failed" }>, known: unknown): Error {
  return failure.kind === "stopped" ? new AnalysisStopped(failure.reason, failure.known ?? known) : toError(failure);
}

function endError(cause: unknown, known: unknown): Error {
  const isMemory = cause instanceof Error && "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY";
  return isMemory ? new AnalysisStopped("memory", known) : analysisFailed(cause);
}
