import { ArtifactError } from "./errors.js";

/** Lines that a caller wants. */
export interface LineRange {
  /** The first line, from 1; a negative number counts from the end: -1 is the last line. Default 1. */
  readonly line?: number | undefined;
  /** How many lines at most. Without `line`, a negative number asks for the last lines. */
  readonly lines?: number | undefined;
}

/** @throws ArtifactError `invalid_argument` if the numbers name no lines of any text */
export function checkLineRange({ line, lines }: LineRange): void {
  if (line !== undefined && (line === 0 || !Number.isSafeInteger(line))) {
    throw invalid("line", "line is a whole number from 1 on, or a negative one, which counts from the end.");
  }
  if (lines !== undefined && (lines === 0 || !Number.isSafeInteger(lines))) {
    throw invalid("lines", "lines is a whole number from 1 on, or a negative one for the last lines.");
  }
  if (line !== undefined && lines !== undefined && lines < 0) {
    throw invalid("lines", "A negative number of lines asks for the last lines, so line cannot be given with it.");
  }
}

/** Whether the number of lines must be known to say which lines are wanted. */
export function countsFromEnd({ line, lines = 1 }: LineRange): boolean {
  return (line ?? lines) < 0;
}

/** The numbers of the first and the last line that are wanted. A negative number past the first line means that one. */
export function linesWithin({ line, lines }: LineRange, total: number): { first: number; last: number } {
  const from = line ?? (lines !== undefined && lines < 0 ? lines : 1);
  const first = from < 0 ? Math.max(1, total + 1 + from) : from;
  return { first, last: Math.min(total, first + Math.abs(lines ?? total) - 1) };
}

export function noSuchLine(line: number, total: number): ArtifactError {
  const number = total === 1 ? "1 line" : `${total} lines`;
  return invalid("line", `There is no line ${line}: the content has ${number}.`, { lines: total });
}

function invalid(argument: "line" | "lines", message: string, details = {}): ArtifactError {
  return new ArtifactError("invalid_argument", message, { details: { argument, ...details } });
}
