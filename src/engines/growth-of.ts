import type { PieceChanges, RowChange } from "../store/ports/metadata-store.js";

/** Returns about how many bytes a change adds. The lengths of dropped pieces are not known. */
export function growthOf(rows: readonly RowChange[], put: PieceChanges["put"] = []): number {
  const texts = rows.reduce((sum, { old = "", next = "" }) => sum + next.length - old.length, 0);
  return put.reduce((sum, { bytes }) => sum + bytes.length, texts);
}
