import { ArtifactError } from "../../store/model/errors.js";
import { decoderOf } from "../../store/model/text-encoding.js";
import type { FindAnalysis } from "../../store/ports/analyses.js";
import type { FoundLines, PartialReason } from "../../store/ports/description.js";
import { BrokenContentError, plainBytes } from "../formats/byte-stream.js";
import { type Detected, detectFormat } from "../formats/detect-format.js";
import { type Run, type Source, timeIsOver } from "../source.js";
import { type LinePiece, LinePieces } from "./line-pieces.js";
import { LineSearch } from "./line-search.js";
import { patternOf } from "./pattern.js";

/**
 * Lines of a text that match. A literal text is compared as it is, upper and lower case included. Lines end with LF or
 * CRLF. An expression is tried on each line without its line end, and on the first 1 MiB of a longer one.
 *
 * @throws ArtifactError `invalid_argument` if the content is no text, or there is nothing to look for
 */
export async function findLines(source: Source, wanted: FindAnalysis, run: Run): Promise<FoundLines> {
  const pattern = patternOf(wanted.find, wanted.regex, run);
  const detected = await detectFormat(source);
  if (!detected.isText && detected.format !== "empty") throw noText(detected);
  const search = new LineSearch(pattern, wanted);
  const stopped = await searchAll(search, source, detected, run);
  const partial = stopped ?? untriedPart(search);
  return { ...search.found, ...(partial && { partial }) };
}

/** @returns why the search has ended before the end of the text */
async function searchAll(
  search: LineSearch,
  source: Source,
  detected: Detected,
  run: Run,
): Promise<PartialReason | undefined> {
  const pieces = new LinePieces();
  const toUtf8 = utf8Of(detected);
  /** Bytes of the text before the current block. */
  let searched = 0;
  const isOver = (found: Iterable<LinePiece>) => {
    for (const piece of found) if (run.isOver() || !search.search(piece)) return true;
    return false;
  };
  const over = () => timeIsOver(`the first ${searched.toLocaleString("en")} bytes`);
  try {
    for await (const block of plainBytes(source, detected)) {
      if (isOver(pieces.push(toUtf8(block)))) return over();
      searched += block.length;
    }
  } catch (error) {
    if (!(error instanceof BrokenContentError)) throw error;
    if (isOver(endOf(pieces, toUtf8))) return over();
    return { reason: "damaged", message: error.message };
  }
  return isOver(endOf(pieces, toUtf8)) ? over() : undefined;
}

function* endOf(pieces: LinePieces, toUtf8: (block?: Uint8Array) => Buffer): Generator<LinePiece, void, undefined> {
  yield* pieces.push(toUtf8());
  yield* pieces.end();
}

/** Most text is UTF-8 already, and is not decoded. Without a block the function returns what is left. */
function utf8Of({ encoding = "utf-8", bom = false }: Detected): (block?: Uint8Array) => Buffer {
  if (encoding !== "utf-8") {
    const decode = decoderOf(encoding);
    return (block) => Buffer.from(decode(block));
  }
  let mark = bom ? 3 : 0;
  return (block = new Uint8Array(0)) => {
    const skipped = Math.min(mark, block.length);
    mark -= skipped;
    return Buffer.from(block.buffer, block.byteOffset + skipped, block.length - skipped);
  };
}

function untriedPart({ untried: { lines, first } }: LineSearch): PartialReason | undefined {
  if (lines === 0) return undefined;
  const which = lines === 1 ? `Line ${first} is` : `${lines} lines, the first of them line ${first}, are`;
  return { reason: "size", message: `${which} longer than 1 MiB: the expression was tried on the first 1 MiB alone.` };
}

function noText({ format, compression }: Detected): ArtifactError {
  const what = format === "unknown" ? "bytes of an unknown format" : `of the format ${format}`;
  const message = `This content is no text, in which lines could be found: it is ${what}${compression ? `, compressed by ${compression}` : ""}.`;
  return new ArtifactError("invalid_argument", message, {
    next: "describe_content",
    details: { argument: "find", format },
  });
}
