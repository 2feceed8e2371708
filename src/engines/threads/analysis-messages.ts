import { ArtifactError, type ErrorCode, type ErrorDetails, type NextStep } from "../../store/model/errors.js";
import { type AnalysedContent, type Analysis, AnalysisStopped } from "../../store/ports/analyses.js";

/* What the calling thread and the thread of an analysis post to each other. */

export interface AnalysisLimits {
  readonly timeMs: number;
  /** An analysis that has not answered so long after its time is stopped. */
  readonly graceMs: number;
  /** Heap and buffers. */
  readonly memoryBytes: number;
}

/** To the thread. It runs one analysis at a time. */
export type AnalysisRequest =
  | {
      readonly kind: "run";
      readonly wanted: Analysis;
      readonly contents: readonly Omit<AnalysedContent, "reader">[];
      readonly limits: AnalysisLimits;
    }
  /** The bytes that a `read` has asked for. */
  | { readonly kind: "block"; readonly read: number; readonly block: Uint8Array<ArrayBuffer> }
  /** They cannot be read. The calling thread keeps the error. */
  | { readonly kind: "unreadable"; readonly read: number };

/** From the thread. */
export type AnalysisAnswer =
  /** Asks for bytes of a content, by its index. The numbers of reads never repeat. */
  | {
      readonly kind: "read";
      readonly read: number;
      readonly content: number;
      readonly start: number;
      readonly length: number;
    }
  /** What the analysis has reported. */
  | { readonly kind: "known"; readonly known: unknown }
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "failed"; readonly failure: AnalysisFailure };

/** An error, as it is posted. */
export type AnalysisFailure =
  | {
      readonly kind: "artifact_error";
      readonly code: ErrorCode;
      readonly message: string;
      readonly next: NextStep;
      readonly details: ErrorDetails;
    }
  | { readonly kind: "stopped"; readonly reason: "time" | "memory"; readonly known: unknown }
  | { readonly kind: "unexpected"; readonly stack: string };

export function toFailure(error: unknown): AnalysisFailure {
  if (error instanceof AnalysisStopped) return { kind: "stopped", reason: error.reason, known: error.known };
  if (error instanceof ArtifactError) {
    const { code, message, next, details } = error;
    return { kind: "artifact_error", code, message, next, details };
  }
  return { kind: "unexpected", stack: error instanceof Error ? (error.stack ?? String(error)) : String(error) };
}

export function toError(failure: AnalysisFailure): ArtifactError | AnalysisStopped {
  switch (failure.kind) {
    case "artifact_error": {
      const { code, message, next, details } = failure;
      return new ArtifactError(code, message, { next, details });
    }
    case "stopped":
      return new AnalysisStopped(failure.reason, failure.known);
    case "unexpected":
      return analysisFailed(failure.stack);
  }
}

/** The error for a defect in an analysis, or in its thread. */
export function analysisFailed(cause: unknown): ArtifactError {
  const message = "The analysis of the content failed. The content itself is not affected.";
  return new ArtifactError("internal", message, { next: "call_again", cause });
}
