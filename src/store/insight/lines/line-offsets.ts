import type { OpenArtifact } from "../../artifacts/open-artifact.js";
import { blockOfLineEnd, type LineIndex } from "./line-index.js";
import { lineFeeds } from "./text-format.js";

/**
 * The offset at which a line begins. That of the line after the last one is the end of the content.
 *
 * @param line from 1 to the number of lines, and one more
 * @returns undefined if the index does not fit the content
 * @throws ArtifactError `corrupt`
 */
export async function offsetOfLine(open: OpenArtifact, index: LineIndex, line: number): Promise<number | undefined> {
  if (line === 1) return index.textStart;
  if (line > index.lines) return index.bytes;
  const block = blockOfLineEnd(index, line - 1);
  const start = block * index.blockBytes;
  const bytes = await open.read(start, index.blockBytes);
  const end = endOfLineFeed(bytes, lineFeeds[index.encoding], line - 1 - (index.before[block] ?? 0));
  return end && start + end;
}

/** Where the `nth` line feed of a block ends. Undefined if there are fewer. */
function endOfLineFeed(block: Uint8Array, feed: Buffer, nth: number): number | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
  let end = 0;
  for (let found = 0; found < nth; ) {
    const at = bytes.indexOf(feed, end);
    if (at === -1) return undefined;
    const isWhole = at % feed.length === 0; // in UTF-16, the two bytes may belong to two characters
    if (isWhole) found += 1;
    end = isWhole ? at + feed.length : at + 1;
  }
  return end;
}
