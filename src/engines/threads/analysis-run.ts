import type { Run } from "../../analysis/source.js";
import { AnalysisStopped } from "../../store/ports/analyses.js";
import type { AnalysisMemory } from "./analysis-memory.js";
import type { AnalysisLimits } from "./analysis-messages.js";

/** An analysis is told that its time is over when this part of it is, so that it can still answer. */
const usablePart = 0.9;
/** On average a run posts one report in this time. */
const reportEveryMs = 100;
/** Before that counts, it may post this many at once. */
const reportsAtOnce = 10;

/** What an analysis knows of its run: whether a limit is reached. It posts what the analysis reports. */
export class AnalysisRun implements Run {
  readonly #limits: AnalysisLimits;
  readonly #memory: AnalysisMemory;
  readonly #post: (known: unknown) => void;
  readonly #ends: number;
  /** A report that was not posted yet. */
  #unposted: { readonly known: unknown } | undefined;
  /** When the next report would be due, if all came at the average rate. */
  #nextReport = 0;
  /** Set when the memory was used up. */
  #stopped: AnalysisStopped | undefined;

  constructor(limits: AnalysisLimits, memory: AnalysisMemory, post: (known: unknown) => void) {
    this.#limits = limits;
    this.#memory = memory;
    this.#post = post;
    this.#ends = performance.now() + limits.timeMs * usablePart;
  }

  isOver(): boolean {
    const now = performance.now();
    this.checkMemory(now);
    this.#postReport(now);
    return now >= this.#ends;
  }

  report(known: unknown): void {
    this.#unposted = { known };
    this.#postReport(performance.now());
  }

  /** @throws AnalysisStopped if the memory is used up */
  checkMemory(now = performance.now()): void {
    this.throwIfStopped();
    if (this.#memory.isOver(this.#limits.memoryBytes, now)) this.stop();
  }

  /** @throws AnalysisStopped */
  stop(): never {
    this.#stopped = new AnalysisStopped("memory");
    if (this.#unposted !== undefined) this.#post(this.#unposted.known);
    throw this.#stopped;
  }

  /** @throws AnalysisStopped if this run was stopped before: the analysis may have taken that for an error of the content */
  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  #postReport(now: number): void {
    if (this.#unposted === undefined || this.#nextReport > now + reportsAtOnce * reportEveryMs) return;
    this.#nextReport = Math.max(this.#nextReport, now) + reportEveryMs;
    this.#post(this.#unposted.known);
    this.#unposted = undefined;
  }
}
