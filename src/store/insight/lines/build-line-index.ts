import type { OpenArtifact } from "../../artifacts/open-artifact.js";
import { createFastCounter, plainCounter } from "./line-end-counter.js";
import { endsWithLineEnd, indexBlockBytes, type LineIndex, lineIndexOf } from "./line-index.js";
import { formatWindowBytes, textFormatOf } from "./text-format.js";

/** Bytes read at a time. With shorter reads, waiting for each of them takes longer than reading. */
const readBytes = 2 * 1024 * 1024;
/** Content up to this size, in bytes, is counted sooner than a fast counter is made. */
export const smallTextBytes = 1024 * 1024;

/**
 * Reads a content once and counts its line ends. Other calls are served between two reads.
 *
 * @throws ArtifactError `invalid_argument` if it is no text; `corrupt`
 */
export async function buildLineIndex(open: OpenArtifact): Promise<LineIndex> {
  const { bytes } = open.artifact;
  const format = textFormatOf(await open.read(0, formatWindowBytes));
  const blockBytes = indexBlockBytes(bytes);
  const counts = new Uint32Array(Math.ceil(bytes / blockBytes));
  const counter = bytes > smallTextBytes ? createFastCounter(readBytes) : plainCounter;
  let at = 0;
  let tail = new Uint8Array();
  for await (const read of open.part(0, bytes, readBytes, counter.buffers)) {
    for (let done = 0; done < read.length; ) {
      const length = Math.min(read.length - done, blockBytes - (at % blockBytes));
      const block = Math.floor(at / blockBytes);
      counts[block] = (counts[block] ?? 0) + counter.count(read.subarray(done, done + length), format.encoding);
      done += length;
      at += length;
    }
    tail = read.slice(-2);
  }
  return lineIndexOf(format, bytes, counts, endsWithLineEnd(tail, format, bytes));
}
