import { ArtifactError } from "../../store/model/errors.js";
import type { Run } from "../source.js";

/** Where a line matches first. */
export interface Hit {
  readonly at: number;
  readonly length: number;
}

/** The time limit was reached. */
export interface TimeOver {
  /** Where the first line begins that was not tried. */
  readonly untried: number;
}

/** What is looked for in lines. Lines end with LF or CRLF. */
export interface Pattern {
  /** The first match in whole lines, from a line's beginning on. */
  next(lines: string, from: number): Hit | "none" | TimeOver;
  /** The matches in one line, or in a part of it, from a place on. Those after an empty one, or when the time is over, are left out. */
  hitsIn(line: string, from: number): Iterable<Hit>;
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
  const next = (lines: string, from: number): Hit | "none" => {
    const at = lines.indexOf(find, from);
    return at === -1 ? "none" : { at, length };
  };
  function* hitsIn(line: string, from: number) {
    for (let hit = next(line, from); hit !== "none"; hit = next(line, hit.at + length)) yield hit;
  }
  return { next, hitsIn, length, bytes: Buffer.from(find) };
}

/** Lines that are tried between two looks at the time: the most, and the milliseconds after which it becomes 1. */
const mostPerLook = 64;
const slowMs = 10;

class ExpressionPattern implements Pattern {
  readonly #first: RegExp;
  readonly #all: RegExp;
  readonly #run: Run;
  #perLook = 1;
  #untilLook = 1;
  #lastLook = performance.now();

  constructor(expression: RegExp, run: Run) {
    this.#first = expression;
    this.#all = new RegExp(expression, `${expression.flags}g`);
    this.#run = run;
  }

  next(lines: string, from: number): Hit | "none" | TimeOver {
    for (let start = from; start < lines.length; ) {
      if (this.#isOver()) return { untried: start };
      const end = lineEnd(lines, start);
      const found = firstMatch(this.#first, lines.slice(start, contentEnd(lines, start, end)));
      if (found !== null) return { at: start + found.index, length: found[0].length };
      start = end + 1;
    }
    return "none";
  }

  *hitsIn(line: string, from: number): Generator<Hit, void, undefined> {
    this.#all.lastIndex = from;
    for (;;) {
      const found = firstMatch(this.#all, line);
      if (found === null) return;
      const [{ length }] = found;
      yield { at: found.index, length };
      if (length === 0 || this.#isOver()) return;
    }
  }

  /** Looks at the time before each line if lines take long, and before every 64th at least. */
  #isOver(): boolean {
    this.#untilLook -= 1;
    if (this.#untilLook > 0) return false;
    const now = performance.now();
    this.#perLook = now - this.#lastLook > slowMs ? 1 : Math.min(mostPerLook, 2 * this.#perLook);
    this.#untilLook = this.#perLook;
    this.#lastLook = now;
    return this.#run.isOver();
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

/** The machine compiles an expression only when it tries it first, and may refuse it then. */
function firstMatch(expression: RegExp, line: string): RegExpExecArray | null {
  try {
    return expression.exec(line);
  } catch (error) {
    throw refused(`The regular expression cannot be tried: ${reasonOf(error)}.`);
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
