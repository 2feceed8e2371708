import { join } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import { analysisMemoryBytes, analysisTimeMs } from "../../store/model/limits.js";
import type { AnalysedContent, Analyses, Analysis, AnalysisResult } from "../../store/ports/analyses.js";
import type { Log } from "../../store/ports/log.js";
import type { AnalysisLimits } from "./analysis-messages.js";
import { AnalysisWorker } from "./analysis-worker.js";
import { Slots } from "./slots.js";

/** Analyses that run at the same time. */
const maxWorkers = 2;
/** An idle thread is kept this long, because it has loaded its program. */
const idleMs = 30_000;

const defaultLimits: AnalysisLimits = { timeMs: analysisTimeMs, graceMs: 2_000, memoryBytes: analysisMemoryBytes };

export interface AnalysisThreadsOptions {
  /** Path of the bundled `analysis-thread-program.ts`; tests give another one. */
  readonly program?: string;
  readonly limits?: AnalysisLimits;
}

/**
 * Runs analyses in threads. A thread is started when it is needed, and kept for a while. It keeps the process alive only
 * while it works. The calling thread reads the content, and does no other work for an analysis.
 *
 * What is guaranteed: an analysis that looks at its run ends after 90 % of the time, and stops when its heap and buffers
 * are larger than the limit. One that does not look is ended 2 s after its time, or when its heap is sixteen times as
 * large as the limit. Buffers that it makes without a look are not limited.
 */
export class AnalysisThreads implements Analyses {
  readonly #log: Log;
  readonly #program: string;
  readonly #limits: AnalysisLimits;
  readonly #slots = new Slots(maxWorkers);
  readonly #workers = new Set<AnalysisWorker>();
  /** Workers that run nothing, with the timers that end them. */
  readonly #idle = new Map<AnalysisWorker, NodeJS.Timeout>();
  #isClosed = false;

  constructor(log: Log, options: AnalysisThreadsOptions = {}) {
    this.#log = log;
    this.#program = options.program ?? join(WORKERS_FOLDER, "analysis-thread.cjs");
    this.#limits = options.limits ?? defaultLimits;
  }

  async run<Wanted extends Analysis>(
    wanted: Wanted,
    contents: readonly AnalysedContent[],
    signal?: AbortSignal,
  ): Promise<AnalysisResult<Wanted>> {
    await this.#slots.take(signal);
    let worker: AnalysisWorker | undefined;
    try {
      worker = this.#takeWorker();
      return (await worker.run(wanted, contents, signal)) as AnalysisResult<Wanted>;
    } finally {
      this.#giveBack(worker);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#slots.failWaiting(closed());
    for (const timer of this.#idle.values()) clearTimeout(timer);
    for (const worker of this.#workers) worker.end(closed());
    await Promise.all([...this.#workers].map((worker) => worker.ended));
  }

  #takeWorker(): AnalysisWorker {
    if (this.#isClosed) throw closed();
    for (const [worker, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(worker);
      if (worker.isUsable) return worker;
    }
    return this.#startWorker();
  }

  #startWorker(): AnalysisWorker {
    try {
      const worker = new AnalysisWorker(this.#program, this.#limits);
      this.#workers.add(worker);
      void worker.ended.then(() => {
        this.#workers.delete(worker);
        const cause = worker.failure;
        if (cause !== undefined) this.#log("warn", "analysis_thread_ended", { error: String(cause) });
      });
      return worker;
    } catch (cause) {
      this.#log("warn", "analysis_thread_not_started", { error: String(cause) });
      const message = "The system gave the server no thread for this analysis. The content itself is not affected.";
      throw new ArtifactError("internal", message, { next: "call_again", cause });
    }
  }

  /** A worker that ends gives its slot back only then, so that no more than `maxWorkers` use memory. */
  #giveBack(worker: AnalysisWorker | undefined): void {
    if (worker === undefined) this.#slots.give();
    else if (!worker.isUsable) void worker.ended.then(() => this.#slots.give());
    else {
      this.#idle.set(worker, setTimeout(() => this.#endIdle(worker), idleMs).unref());
      this.#slots.give();
    }
  }

  #endIdle(worker: AnalysisWorker): void {
    this.#idle.delete(worker);
    worker.end();
  }
}

function closed(): ArtifactError {
  const message = "The server is stopping, and has ended this analysis. The content itself is not affected.";
  return new ArtifactError("internal", message, { next: "call_again" });
}
