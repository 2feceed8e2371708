import type { Query } from "../database/connection.js";
import { fillBuckets, fillNewest, indexObjects, indexRules, indexTables } from "./schema.js";

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
  query("INSERT INTO index_marks(fed, removed) VALUES (?, ?)", [last, last]);
  query(fillNewest, [last]);
  query(fillBuckets);
  for (const { sql } of indexRules) query(sql);
}

/** The highest id that the index has given, as far as its tables know it. */
function lastId(query: Query): number {
  const known = query<{ name: string }>("SELECT name FROM sqlite_schema").map(({ name }) => name);
  const highest = (table: string, sql: string): number =>
    known.includes(table) ? (query<{ id: number | null }>(sql)[0]?.id ?? 0) : 0;
  return Math.max(
    highest("index_newest", "SELECT max(id) AS id FROM index_newest"),
    highest("index_marks", "SELECT max(fed, removed) AS id FROM index_marks"),
  );
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
