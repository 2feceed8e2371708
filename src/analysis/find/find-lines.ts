import { ArtifactError } from "../../store/model/errors.js";
import type { FindAnalysis } from "../../store/ports/analyses.js";
import type { FoundLines, PartialReason } from "../../store/ports/description.js";
import { BrokenContentError } from "../formats/byte-stream.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import { type Run, type Source, timeIsOver } from "../source.js";
import { countLines, timeOver } from "./count-lines.js";
import { linePiecesOf } from "./line-pieces-of.js";
import { LineSearch } from "./line-search.js";
import { patternOf } from "./pattern.js";

/**
 * Lines of a text that match. A literal text is compared as it is, upper and lower case included. Lines end with LF or
 * CRLF. An expression is tried on each line without its line end, and on the first 1 MiB of a longer one.
 *
 * @throws ArtifactError `invalid_argument` if the content is no text, there is nothing to look for, or an expression is so
 * slow that it was tried on no line; `too_large` if the first line that is wanted was not reached in time
 */
export async function findLines(source: Source, wanted: FindAnalysis, run: Run): Promise<FoundLines> {
  const pattern = patternOf(wanted.find, wanted.regex, run);
  const detected = await detectFormat(source);
  if (!detected.isText && detected.format !== "empty") throw noText("find", detected);
  const from = await firstLine(source, detected, wanted.line ?? 1, run);
  const search = new LineSearch(pattern, wanted, { line: from, offset: textStart(detected) });
  const stopped = await searchAll(search, source, detected, run);
  if (stopped?.reason === "time" && search.searchedTo < from) throw nothingSearched(wanted, from);
  const partial = stopped ?? untriedPart(search);
  const searchedTo = stopped?.reason === "time" ? { searched_to: search.searchedTo } : {};
  return { from, ...search.found, ...searchedTo, ...(partial && { partial }) };
}

async function firstLine(source: Source, detected: Detected, line: number, run: Run): Promise<number> {
  return line > 0 ? line : Math.max(1, (await countLines(source, detected, run)).lines + 1 + line);
}

/** Where the text begins in the content. Undefined if its UTF-8 is not what the content holds. */
function textStart({ compression, encoding, bom }: Detected): number | undefined {
  return compression === undefined && encoding === "utf-8" ? (bom ? 3 : 0) : undefined;
}

/** @returns why the search has ended before the end of the text */
async function searchAll(
  search: LineSearch,
  source: Source,
  detected: Detected,
  run: Run,
): Promise<PartialReason | undefined> {
  try {
    for await (const piece of linePiecesOf(source, detected)) {
      if (!run.isOver() && search.search(piece)) continue;
      search.stop();
      return timeIsOver(`line ${search.searchedTo}`);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof BrokenContentError)) throw error;
    return { reason: "damaged", message: error.message };
  }
}

function nothingSearched({ regex }: FindAnalysis, from: number): ArtifactError {
  if (!regex) return timeOver(`line ${from} was searched`);
  const message = `The expression takes too long: the time limit was reached before it was tried on all of line ${from}.`;
  return new ArtifactError("invalid_argument", message, {
    next: "simplify_expression",
    details: { argument: "find" },
  });
}

function untriedPart({ untried: { lines, first } }: LineSearch): PartialReason | undefined {
  if (lines === 0) return undefined;
  const which = lines === 1 ? `Line ${first} is` : `${lines} lines, the first of them line ${first}, are`;
  const message = `${which} longer than 1 MiB: the expression was tried on the first 1 MiB alone. A literal text is looked for in all.`;
  return { reason: "size", message };
}

/** The error for content that has no lines. */
export function noText(argument: "find" | "line", { format, compression }: Detected): ArtifactError {
  const what = format === "unknown" ? "bytes of an unknown format" : `of the format ${format}`;
  const message = `This content is no text, in which lines could be found: it is ${what}${compression ? `, compressed by ${compression}` : ""}.`;
  return new ArtifactError("invalid_argument", message, {
    next: "describe_content",
    details: { argument, format },
  });
}
