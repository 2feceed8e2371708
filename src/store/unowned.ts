import type { StoredFile } from "./blob-store.js";
import type { Rows, SessionRow } from "./rows.js";

/** Whether a session still has bytes: what it names is its own. */
export function isUnfinished({ value: { status } }: SessionRow): boolean {
  return status === "open" || status === "completing" || status === "held";
}

/**
 * Those of a session's staged files that its row does not name, and will not come to name. A process that was stopped
 * between its bytes and its row may still wake up: a new revision of the row makes it lose, and stage its bytes again.
 */
export async function claimUnowned(rows: Rows, session: string, files: readonly StoredFile[]): Promise<StoredFile[]> {
  const row = await rows.session(session);
  const named = row !== undefined && isUnfinished(row) ? row.value.segments.map(({ name }) => name) : [];
  const unowned = files.filter(({ name }) => !named.includes(name));
  if (row?.value.status !== "open" || unowned.length === 0) return unowned;
  return (await rows.replaceSession(row, row.value)) ? unowned : [];
}
