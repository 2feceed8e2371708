import type { ByteReader } from "./content-store.js";
import type { Comparison, Description, FoundLines, LinesPage, RowsPage } from "./description.js";

/** A content to be analysed. Its bytes are read only while the analysis runs. */
export interface AnalysedContent {
  /** The name tells the format where the bytes do not. */
  readonly key: string;
  readonly mimeType: string;
  readonly bytes: number;
  readonly reader: Pick<ByteReader, "read">;
}

/** An analysis, by its kind. `chars` is the most characters of the text in its answer. */
export type Analysis = DescribeAnalysis | LinesAnalysis | RowsAnalysis | FindAnalysis | CompareAnalysis;

/** What one content is. */
export interface DescribeAnalysis {
  readonly kind: "describe";
  /** Only what is known without reading all of the content: of a table not the values, and its rows if the format says them. */
  readonly brief?: boolean;
}

/** Lines of a text that is compressed. Other texts have an index of their lines. */
export interface LinesAnalysis {
  readonly kind: "lines";
  /** The first line, from 1; a negative number counts from the end: -1 is the last line. Default 1. */
  readonly line?: number | undefined;
  /** How many lines at most. Without `line`, a negative number asks for the last lines. */
  readonly lines?: number | undefined;
  readonly chars: number;
}

/** Rows of a table. */
export interface RowsAnalysis {
  readonly kind: "rows";
  /** All columns by default. */
  readonly columns?: readonly string[] | undefined;
  /** The first row, from 1; a negative number counts from the end: -1 is the last row. Default 1. */
  readonly row?: number | undefined;
  /** How many rows at most. Without `row`, a negative number asks for the last rows. */
  readonly rows?: number | undefined;
  readonly chars: number;
}

/** Lines of a text that match. */
export interface FindAnalysis {
  readonly kind: "find";
  /** A literal text without line ends; with `regex` a regular expression of JavaScript, which is tried on each line. */
  readonly find: string;
  readonly regex: boolean;
  /** Lines shown before and after each match. */
  readonly context: number;
  /** The search begins here; a negative number counts from the end: -20 searches the last 20 lines. Default 1. */
  readonly line?: number | undefined;
  /** How many matching lines are shown at most. */
  readonly lines?: number | undefined;
  readonly chars: number;
}

/** What differs between two contents. The first one is the one before. */
export interface CompareAnalysis {
  readonly kind: "compare";
  /** A column whose values name the rows of both tables. */
  readonly by?: string | undefined;
  /** How the two are called in a diff. */
  readonly names: readonly [string, string];
  readonly chars: number;
}

/** The answer to an analysis. */
export type AnalysisResult<Wanted extends Analysis> = Wanted extends DescribeAnalysis
  ? Description
  : Wanted extends LinesAnalysis
    ? LinesPage
    : Wanted extends RowsAnalysis
      ? RowsPage
      : Wanted extends FindAnalysis
        ? FoundLines
        : Comparison;

/**
 * Analyses content within limits of time and memory, beside the thread that serves calls. An analysis ends itself when
 * its time is nearly over and says so in `partial`. One that does not is stopped.
 */
export interface Analyses {
  /**
   * Runs an analysis of one content, or of two for a comparison.
   *
   * @param signal stops the analysis, which then rejects with the signal's reason
   * @throws AnalysisStopped if the analysis was stopped by a limit
   * @throws ArtifactError `invalid_argument` if the content is not what the analysis needs; the errors of the readers
   */
  run<Wanted extends Analysis>(
    wanted: Wanted,
    contents: readonly AnalysedContent[],
    signal?: AbortSignal,
  ): Promise<AnalysisResult<Wanted>>;
  close(): Promise<void>;
}

/** A limit stopped an analysis that did not end itself. */
export class AnalysisStopped extends Error {
  override readonly name = "AnalysisStopped";
  readonly reason: "time" | "memory";
  /** What the analysis had reported until then. */
  readonly known: unknown;

  constructor(reason: "time" | "memory", known?: unknown) {
    super(`the analysis was stopped by the limit of ${reason}`);
    this.reason = reason;
    this.known = known;
  }
}

/** For a process that analyses nothing. */
export const noAnalyses: Analyses = {
  async run() {
    throw new Error("this process was started without analyses");
  },
  async close() {
    // nothing runs
  },
};
