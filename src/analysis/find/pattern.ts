import { ArtifactError } from "../../store/model/errors.js";
import type { Run } from "../source.js";

/** Where a line matches first. */
export interface Hit {
  readonly at: number;
  readonly length: number;
}

/** What is looked for in lines. Lines end with LF or CRLF. */
export interface Pattern {
  /**
   * The first match in whole lines, from a line's beginning on.
   *
   * @returns "none", or "over" if the time is over before the end of the text
   */
  next(lines: string, from: number): Hit | "none" | "over";
  /** The first match in the beginning of a line that is too long to be tried as a whole. */
  inBeginning(line: string): Hit | "none";
  /** A match is a text of this many characters. Undefined if only whole lines, or their beginnings, can be tried. */
  readonly length?: number;
  /** Lines without these bytes do not match. */
  readonly bytes?: Buffer;
}

/** @throws ArtifactError `invalid_argument` if there is nothing to look for, or an expression does not parse */
export function patternOf(find: string, regex: boolean, run: Run): Pattern {
  if (find === "") throw refused("There is nothing to find: give a text, or a regular expression.");
  if (regex) return new ExpressionPattern(expressionOf(find), run);
  if (/[\r\n]/.test(find)) {
    throw refused("The text to find has a line end, and each line is searched alone: look for a part of one line.");
  }
  return literalPattern(find);
}

function literalPattern(find: string): Pattern {
  const { length } = find;
  const next = (lines: string, from: number) => {
    const at = lines.indexOf(find, from);
    return at === -1 ? "none" : { at, length };
  };
  return { next, inBeginning: (line) => next(line, 0), length, bytes: Buffer.from(find) };
}

/** Lines that are tried between two looks at the time. */
const linesPerLook = 8;

class ExpressionPattern implements Pattern {
  readonly #expression: RegExp;
  readonly #run: Run;
  #tried = 0;

  constructor(expression: RegExp, run: Run) {
    this.#expression = expression;
    this.#run = run;
  }

  next(lines: string, from: number): Hit | "none" | "over" {
    for (let start = from; start < lines.length; ) {
      this.#tried += 1;
      if (this.#tried % linesPerLook === 0 && this.#run.isOver()) return "over";
      const end = lineEnd(lines, start);
      const hit = this.inBeginning(lines.slice(start, contentEnd(lines, start, end)));
      if (hit !== "none") return { at: start + hit.at, length: hit.length };
      start = end + 1;
    }
    return "none";
  }

  inBeginning(line: string): Hit | "none" {
    const found = this.#expression.exec(line);
    return found === null ? "none" : { at: found.index, length: found[0].length };
  }
}

/** The index of the LF that ends the line, or the end of the text. */
export function lineEnd(lines: string, from: number): number {
  const end = lines.indexOf("\n", from);
  return end === -1 ? lines.length : end;
}

/** Where the content of the line ends: before CR LF, if that is its end. */
export function contentEnd(lines: string, start: number, end: number): number {
  return end > start && end < lines.length && lines[end - 1] === "\r" ? end - 1 : end;
}

/** A leading `(?i)`, as other languages have it, ignores case. */
function expressionOf(find: string): RegExp {
  const ignoresCase = find.startsWith("(?i)");
  const source = ignoresCase ? find.slice(4) : find;
  const flags = ignoresCase ? "i" : "";
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    // Without `u` more is allowed, as needless backslashes.
  }
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw refused(`The text to find does not parse as a regular expression of JavaScript: ${reasonOf(error)}.`);
  }
}

/** From "Invalid regular expression: /(/: Unterminated group" the last part. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const reason = message.slice(message.lastIndexOf(": ") + 2);
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}

function refused(message: string): ArtifactError {
  return new ArtifactError("invalid_argument", message, { details: { argument: "find" } });
}
