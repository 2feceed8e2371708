import type { Query } from "../database/connection.js";
import { fillNewest, fillRest, indexObjects, indexRules, indexTables } from "./schema.js";

/** Names of the objects of the index that are missing, or are not as this program makes them. */
export function lostIndexObjects(query: Query): string[] {
  const found = query<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE name LIKE 'index\\_%' ESCAPE '\\'",
  );
  const known = new Map(found.map(({ name, sql }) => [name, sql]));
  return indexObjects.filter(({ name, sql }) => known.get(name) !== sql).map(({ name }) => name);
}

/**
 * Makes the index from the rows, also if there is one. Only the full-text tables stay empty: all artifacts are left in
 * `index_pending`. It must run in a transaction that writes.
 */
export function makeIndex(query: Query): void {
  const last = lastId(query);
  dropIndex(query);
  for (const { sql } of indexTables) query(sql);
  query("INSERT INTO sqlite_sequence(name, seq) VALUES ('index_newest', ?)", [last]);
  query(fillNewest, [last]);
  for (const sql of fillRest) query(sql);
  for (const { sql } of indexRules) query(sql);
}

/** The last id that the index has given. No id is given twice. */
function lastId(query: Query): number {
  if (query("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").length === 0) return 0;
  const [row] = query<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'index_newest'");
  return row?.seq ?? 0;
}

/** Drops triggers before tables, because a table may be used by one. Tables take their indexes with them. */
function dropIndex(query: Query): void {
  const kinds = ["trigger", "view", "table"];
  const found = query<{ name: string; type: string }>("SELECT name, type FROM sqlite_schema");
  const known = new Set(indexObjects.map(({ name }) => name));
  for (const kind of kinds) {
    for (const { name, type } of found) if (type === kind && known.has(name)) query(`DROP ${kind} ${name}`);
  }
}
