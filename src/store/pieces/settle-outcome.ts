import { isStoreReplaced } from "../model/errors.js";
import type { Piece, SessionRow } from "../model/records.js";
import { isUnfinished } from "../model/upload-session.js";
import type { Log } from "../ports/log.js";
import type { Rows } from "../rows.js";

/**
 * Finds out what became of a change of a session's row that failed with an unknown outcome: the change may have been
 * made, or may still be made later. Makes sure that the answer stays true.
 *
 * @param cause the error of the change
 * @param was the row that the change compared
 * @param next the row that the change wrote
 * @param piece the piece that `next` names and `was` does not
 * @returns `made` or `never`. Undefined if it cannot be found out now; then the pieces that `next` names must stay
 */
export async function settleOutcome(
  { rows, log }: { readonly rows: Rows; readonly log: Log },
  cause: unknown,
  was: SessionRow,
  next: SessionRow,
  piece: Piece,
): Promise<"made" | "never" | undefined> {
  if (isStoreReplaced(cause)) return undefined;
  try {
    for (;;) {
      const now = await rows.session(was.value.id);
      if (now === undefined) return undefined; // the session was published or ended, and then swept
      if (now.text === next.text) return "made";
      if (!isUnfinished(now.value)) return undefined; // a version may name the piece, or the sweep is removing it
      if (now.value.pieces.some(({ name, bytes }) => name === piece.name && bytes >= piece.bytes)) return "made";
      if (now.text !== was.text) return "never";
      const change = rows.begin();
      change.session(now, now.value); // gives the row a new revision, so that the lost change can no longer be made
      if (await change.commit()) return "never";
    }
  } catch (error) {
    log("warn", "outcome_unknown", { session: was.value.id, error: String(error) });
    return undefined;
  }
}
