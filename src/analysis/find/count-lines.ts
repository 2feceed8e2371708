import { ArtifactError } from "../../store/model/errors.js";
import type { PartialReason } from "../../store/ports/description.js";
import { BrokenContentError } from "../formats/byte-stream.js";
import type { Detected } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { linePiecesOf, linesIn } from "./line-pieces-of.js";

/**
 * The number of lines of a text, as far as it can be unpacked. `partial` says that it breaks off.
 *
 * @throws ArtifactError `too_large` if the time is over before
 */
export async function countLines(
  source: Source,
  detected: Detected,
  run: Run,
): Promise<{ lines: number; partial?: PartialReason }> {
  let lines = 0;
  try {
    for await (const piece of linePiecesOf(source, detected)) {
      lines += linesIn(piece);
      if (run.isOver()) throw timeOver("the last line was reached, from which a negative number counts");
    }
  } catch (error) {
    if (!(error instanceof BrokenContentError)) throw error;
    return { lines, partial: { reason: "damaged", message: error.message } };
  }
  return { lines };
}

/** The error of an analysis that has nothing to show. @param event what did not happen in time */
export function timeOver(event: string): ArtifactError {
  return new ArtifactError("too_large", `The time limit was reached before ${event}.`, {
    next: "look_at_less",
    details: { limit: "time" },
  });
}
