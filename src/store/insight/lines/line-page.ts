import type { OpenArtifact } from "../../artifacts/open-artifact.js";
import type { LinesPage } from "../../ports/description.js";
import type { LineIndex } from "./line-index.js";
import { offsetOfLine } from "./line-offsets.js";
import { decodeText, lineFeeds } from "./text-format.js";
import { textWithin } from "./text-within.js";

/** Lines that are wanted, at least one, and the room for them. */
export interface WantedLines {
  readonly first: number;
  readonly last: number;
  readonly chars: number;
}

/** The most bytes that a UTF-16 unit of a text takes in its content. A line end counts as one, and may be CR and LF. */
const maxUnitBytes = 4;

/** Reads lines. Undefined if the index does not fit the content. @throws ArtifactError `corrupt` */
export async function readLinePage(
  open: OpenArtifact,
  index: LineIndex,
  { first, last, chars }: WantedLines,
): Promise<LinesPage | undefined> {
  const { encoding, lines: total } = index;
  const start = await offsetOfLine(open, index, first);
  const end = await offsetOfLine(open, index, last + 1);
  if (start === undefined || end === undefined || end < start) return undefined;
  // More than the page has room for, so that what is cut off at the end of the window is not on the page.
  const window = await open.read(start, Math.min(end - start, (chars + 2) * maxUnitBytes));
  const isWhole = window.length === end - start;
  const text = decodeText(window, encoding).replaceAll("\r\n", "\n");
  const lines = isWhole && text.endsWith("\n") ? text.slice(0, -1) : text;
  if (isWhole && lines.length <= chars) return { text: lines, first, last, total, encoding };
  const pageEnd = text.lastIndexOf("\n", chars);
  if (pageEnd === -1) return cutLine(open, index, { line: first, start, chars, window });
  const page = text.slice(0, pageEnd);
  return { text: page, first, last: first + lineFeedsIn(page), total, encoding };
}

async function cutLine(
  open: OpenArtifact,
  index: LineIndex,
  { line, start, chars, window }: { line: number; start: number; chars: number; window: Uint8Array },
): Promise<LinesPage | undefined> {
  const { encoding, lines: total } = index;
  const next = await offsetOfLine(open, index, line + 1);
  if (next === undefined) return undefined;
  const tail = await open.read(Math.max(start, next - 4), Math.min(4, next - start));
  const line_bytes = next - start - lineEndBytes(tail, lineFeeds[encoding]);
  const { text, bytes } = textWithin(window.subarray(0, line_bytes), encoding, chars);
  const cut = { line, shown_bytes: bytes, line_bytes, next_offset: start + bytes };
  return { text, first: line, last: line, total, encoding, cut };
}

/** Bytes of the line end at the end of a line: of LF, CRLF or none. */
function lineEndBytes(tail: Uint8Array, feed: Buffer): number {
  const bytes = Buffer.from(tail);
  const isFeed = bytes.subarray(-feed.length).equals(feed);
  if (!isFeed) return 0;
  const carriageReturn = feed.map((byte) => (byte === 0x0a ? 0x0d : byte));
  const isReturn = bytes.subarray(-2 * feed.length, -feed.length).equals(carriageReturn);
  return isReturn ? 2 * feed.length : feed.length;
}

function lineFeedsIn(text: string): number {
  let found = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) found += 1;
  return found;
}
