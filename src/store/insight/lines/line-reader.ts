import { damaged, type OpenArtifact } from "../../artifacts/open-artifact.js";
import { ArtifactError } from "../../model/errors.js";
import type { LinesPage } from "../../ports/description.js";
import type { DerivedFacts } from "../derived-facts.js";
import type { LineIndex } from "./line-index.js";
import { LineIndexes } from "./line-indexes.js";
import { readLinePage, type WantedLines } from "./line-page.js";

export interface ReadLines {
  /** The first line, from 1; a negative number counts from the end: -1 is the last line. Default 1. */
  readonly line?: number | undefined;
  /** How many lines at most. Without `line`, a negative number asks for the last lines. */
  readonly lines?: number | undefined;
  /** The most characters of the page, in units of UTF-16. */
  readonly chars: number;
}

/** Longer pages are never made, whatever a caller asks for. */
const maxPageChars = 16 * 1024 * 1024;

/** Reads texts by lines. */
export class LineReader {
  readonly #indexes: LineIndexes;

  constructor(facts: DerivedFacts) {
    this.#indexes = new LineIndexes(facts);
  }

  /**
   * The lines as far as they fit, joined by LF. A first line that alone is too long is cut. A negative number past the
   * first line means the first line.
   *
   * @throws ArtifactError `invalid_argument` if the content is no text, or has no such line; `corrupt`
   */
  async read(open: OpenArtifact, wanted: ReadLines): Promise<LinesPage> {
    checkNumbers(wanted);
    const index = await this.#indexes.of(open);
    if (index.lines === 0 && (wanted.line ?? 1) <= 1) {
      return { text: "", first: 0, last: 0, total: 0, encoding: index.encoding };
    }
    return (await this.#readPage(open, index, wanted)) ?? this.#readAgain(open, wanted);
  }

  /** Reads after an index did not fit: it was damaged, or the content is. */
  async #readAgain(open: OpenArtifact, wanted: ReadLines): Promise<LinesPage> {
    const page = await this.#readPage(open, await this.#indexes.again(open), wanted);
    if (page === undefined) throw damaged(open.artifact);
    return page;
  }

  #readPage(open: OpenArtifact, index: LineIndex, wanted: ReadLines): Promise<LinesPage | undefined> {
    return readLinePage(open, index, linesOf(wanted, index.lines));
  }
}

function checkNumbers({ line, lines }: ReadLines): void {
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

/** @throws ArtifactError `invalid_argument` if there is no such line */
function linesOf({ line, lines, chars }: ReadLines, total: number): WantedLines {
  const from = line ?? (lines !== undefined && lines < 0 ? lines : 1);
  const first = from < 0 ? Math.max(1, total + 1 + from) : from;
  if (first > total) {
    const number = total === 1 ? "1 line" : `${total} lines`;
    throw invalid("line", `There is no line ${first}: the content has ${number}.`, { lines: total });
  }
  const last = Math.min(total, first + Math.abs(lines ?? total) - 1);
  return { first, last, chars: Math.min(Math.max(chars, 1), maxPageChars) };
}

function invalid(argument: "line" | "lines", message: string, details = {}): ArtifactError {
  return new ArtifactError("invalid_argument", message, { details: { argument, ...details } });
}
