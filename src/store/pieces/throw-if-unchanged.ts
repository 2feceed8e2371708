import type { SessionRow } from "../model/records.js";
import { missingPiece } from "../model/session-errors.js";
import type { Rows } from "../rows.js";

/**
 * Called when a piece of a session is missing. Returns undefined if the session has changed since `row` was read.
 *
 * @throws ArtifactError `corrupt` if the row is unchanged, and so still counts bytes that are missing
 */
export async function throwIfUnchanged(rows: Rows, row: SessionRow): Promise<undefined> {
  const again = await rows.session(row.value.id);
  if (again?.text !== row.text) return undefined;
  throw missingPiece(row.value, row.value.pieces.map(({ name }) => name).join(", "));
}
