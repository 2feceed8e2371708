import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import { checkLineRange, countsFromEnd, linesWithin, noSuchLine } from "../../store/model/line-range.js";
import type { LinesAnalysis } from "../../store/ports/analyses.js";
import type { LinesPage, PartialReason } from "../../store/ports/description.js";
import { BrokenContentError } from "../formats/byte-stream.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { countLines, timeOver } from "./count-lines.js";
import { noText } from "./find-lines.js";
import { linePiecesOf } from "./line-pieces-of.js";
import { PageOfLines } from "./page-of-lines.js";

/**
 * Lines of a text, as far as they fit, joined by LF. A first line that alone is too long, or longer than 1 MiB, is cut. The
 * text is read from its beginning, and to its end to count its lines, unless the time is over before.
 *
 * @throws ArtifactError `invalid_argument` if the content is no text, or has no such line; `too_large` if the first line
 * that is wanted was not reached in time
 */
export async function readLines(source: Source, wanted: LinesAnalysis, run: Run): Promise<LinesPage> {
  checkLineRange(wanted);
  const detected = await detectFormat(source);
  if (!detected.isText && detected.format !== "empty") throw noText("line", detected);
  const counted = countsFromEnd(wanted) ? await countLines(source, detected, run) : undefined;
  const { first, last } = linesWithin(wanted, counted?.lines ?? Number.MAX_SAFE_INTEGER);
  const page = new PageOfLines({ first, last, chars: wanted.chars });
  const { isOver, partial = counted?.partial } = await fill(page, source, detected, run, counted !== undefined);
  const total = counted?.lines ?? (isOver ? undefined : page.passed);
  const { encoding = "utf-8" } = detected;
  if (page.lines > 0) {
    return { ...page.page, ...(total === undefined ? {} : { total }), encoding, ...(partial && { partial }) };
  }
  if (total === undefined) throw timeOver(`line ${first} was reached`);
  if (total > 0 || first > 1) throw noLine(first, total, partial);
  return { text: "", first: 0, last: 0, total, encoding, ...(partial && { partial }) };
}

/** Lines behind the damage are not known. */
function noLine(line: number, lines: number, partial: PartialReason | undefined): ArtifactError {
  if (partial === undefined) return noSuchLine(line, lines);
  const known = `at least ${count(lines, "line")}. ${partial.message}`;
  const said = `There is no line ${line} that can be read: the content has ${known}`;
  return new ArtifactError("invalid_argument", said, { details: { argument: "line" } });
}

async function fill(
  page: PageOfLines,
  source: Source,
  detected: Detected,
  run: Run,
  isCounted: boolean,
): Promise<{ isOver?: boolean; partial?: PartialReason }> {
  try {
    for await (const piece of linePiecesOf(source, detected)) {
      if (run.isOver()) return { isOver: true };
      page.add(piece);
      if (isCounted && page.isDone) return {};
    }
    return {};
  } catch (error) {
    if (!(error instanceof BrokenContentError)) throw error;
    return { partial: { reason: "damaged", message: error.message } };
  }
}
