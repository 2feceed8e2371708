import type { Query } from "../database/connection.js";
import { factTokens, type IndexedTexts, searchedText } from "./index-tokens.js";

/** The most artifacts that one transaction adds to the full-text tables. It takes about 10 ms. */
export const batchSize = 512;
/** While fewer wait, searches look at them one by one. */
export const feedFrom = 256;

type Waiting =
  | { readonly id: number; readonly row_key: null }
  | (IndexedTexts & { readonly id: number; readonly mime_type: string });

/**
 * Brings the full-text tables up to date for some ids in `index_pending`, the lowest first. It must run in a transaction
 * that writes, so that any number of processes may do it, and a process that is killed has done nothing.
 *
 * @returns how many are not pending any more
 */
export function feedIndex(query: Query): number {
  const waiting = query<Waiting>(
    `SELECT pending.id AS id, row_key, mime_type, metadata
    FROM (SELECT id FROM index_pending ORDER BY id LIMIT ${batchSize}) AS pending LEFT JOIN index_newest USING (id)
    ORDER BY pending.id`,
  );
  for (const row of waiting) {
    if (row.row_key === null) {
      query("DELETE FROM index_words WHERE rowid = ?", [row.id]);
      query("DELETE FROM index_facts WHERE rowid = ?", [row.id]);
    } else {
      query("INSERT OR REPLACE INTO index_words(rowid, text) VALUES (?, ?)", [row.id, searchedText(row)]);
      query("INSERT OR REPLACE INTO index_facts(rowid, tokens) VALUES (?, ?)", [row.id, factTokens(row)]);
    }
  }
  const ids = JSON.stringify(waiting.map(({ id }) => id));
  query("DELETE FROM index_edited WHERE id IN (SELECT value FROM json_each(?))", [ids]);
  query("UPDATE index_marks SET fed = max(fed, ?)", [waiting.at(-1)?.id ?? 0]);
  return waiting.length;
}

/** How many artifacts wait, counted up to `most`. */
export function pendingCount(query: Query, most: number): number {
  const [row] = query<{ n: number }>(`SELECT count(*) AS n FROM (SELECT 1 FROM index_pending LIMIT ${most})`);
  return row?.n ?? 0;
}
