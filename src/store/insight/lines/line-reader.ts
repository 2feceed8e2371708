import { damaged, type OpenArtifact } from "../../artifacts/open-artifact.js";
import { checkLineRange, type LineRange, linesWithin, noSuchLine } from "../../model/line-range.js";
import type { LinesPage } from "../../ports/description.js";
import type { DerivedFacts } from "../derived-facts.js";
import type { LineIndex } from "./line-index.js";
import { LineIndexes } from "./line-indexes.js";
import { readLinePage, type WantedLines } from "./line-page.js";

export interface ReadLines extends LineRange {
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
    checkLineRange(wanted);
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

/** @throws ArtifactError `invalid_argument` if there is no such line */
function linesOf(wanted: ReadLines, total: number): WantedLines {
  const { first, last } = linesWithin(wanted, total);
  if (first > total) throw noSuchLine(first, total);
  return { first, last, chars: Math.min(Math.max(wanted.chars, 1), maxPageChars) };
}
