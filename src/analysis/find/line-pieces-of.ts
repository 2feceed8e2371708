import { decoderOf } from "../../store/model/formats/text-encoding.js";
import { BrokenContentError, plainBytes } from "../formats/byte-stream.js";
import type { Detected } from "../formats/detect-format.js";
import type { Source } from "../source.js";
import { type LinePiece, LinePieces } from "./line-pieces.js";

/**
 * A text as UTF-8 in pieces, in order, without its byte order mark.
 *
 * @throws BrokenContentError after all lines that could be unpacked; the errors of the source
 */
export async function* linePiecesOf(source: Source, detected: Detected): AsyncGenerator<LinePiece, void, undefined> {
  const pieces = new LinePieces();
  const toUtf8 = utf8Of(detected);
  try {
    for await (const block of plainBytes(source, detected)) yield* pieces.push(toUtf8(block));
  } catch (error) {
    if (error instanceof BrokenContentError) yield* endOf(pieces, toUtf8);
    throw error;
  }
  yield* endOf(pieces, toUtf8);
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

/** Lines that end in a piece. The last line of the content may lack its line end. */
export function linesIn(piece: LinePiece): number {
  if (piece.kind === "part") return piece.isLast ? 1 : 0;
  const { bytes } = piece;
  return lineFeedsIn(bytes) + (bytes.length > 0 && bytes.at(-1) !== feed ? 1 : 0);
}

/** Where the line begins that `lines` lines are before, or the end of the bytes. */
export function startOfLine(bytes: Buffer, lines: number): number {
  let start = 0;
  for (let passed = 0; passed < lines; passed += 1) {
    const end = bytes.indexOf(feed, start);
    if (end === -1) return bytes.length;
    start = end + 1;
  }
  return start;
}

const feed = 0x0a;

export function lineFeedsIn(bytes: Buffer): number {
  let feeds = 0;
  for (let at = bytes.indexOf(feed); at !== -1; at = bytes.indexOf(feed, at + 1)) feeds += 1;
  return feeds;
}
