import type { PartialReason } from "../../store/ports/description.js";
import { BrokenContentError, plainBytes } from "../formats/byte-stream.js";
import type { Detected } from "../formats/detect-format.js";
import { type Run, type Source, timeIsOver } from "../source.js";
import { damaged } from "./damage.js";

/**
 * Gives all bytes of the content to a function, block by block, until the function returns false or the time is over.
 *
 * @returns why not all bytes were seen
 * @throws the errors of the source
 */
export async function scanBytes(
  source: Source,
  detected: Pick<Detected, "compression">,
  run: Run,
  see: (block: Uint8Array) => boolean,
): Promise<PartialReason | undefined> {
  let bytes = 0;
  try {
    for await (const block of plainBytes(source, detected)) {
      if (!see(block)) return undefined;
      bytes += block.length;
      if (run.isOver()) return timeIsOver(`the first ${bytes} ${detected.compression ? "unpacked " : ""}bytes`);
    }
    return undefined;
  } catch (error) {
    if (error instanceof BrokenContentError) return damaged(error.message);
    throw error;
  }
}
