import type { Query } from "../database/connection.js";
import { table } from "../database/keyv-rows.js";
import { lostIndexObjects } from "./make-index.js";
import { artifactRange, indexColumns } from "./schema.js";

const maxLines = 100;

/** The parts of a row of the index that follow from the artifact's row. */
const isSame = indexColumns.map((column) => `newest.${column} IS found.${column}`).join(" AND ");

/** Each statement finds names of what is wrong; `$1` is the most of them. */
const comparisons: readonly { readonly sql: string; readonly line: (name: string) => string }[] = [
  {
    sql: `SELECT key AS name FROM ${table} WHERE ${artifactRange}
      AND NOT EXISTS (SELECT 1 FROM index_rows WHERE row_key = key) LIMIT ?`,
    line: (name) => `The row ${name} cannot be read, so no search finds it.`,
  },
  {
    sql: `SELECT found.row_key AS name FROM index_rows AS found LEFT JOIN index_newest AS newest USING (row_key)
      WHERE NOT (${isSame}) LIMIT ?`,
    line: (name) => `The index differs from the row ${name}.`,
  },
  {
    sql: `SELECT newest.row_key AS name FROM index_newest AS newest
      WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE key = newest.row_key) LIMIT ?`,
    line: (name) => `The index has the row ${name}, which does not exist.`,
  },
  {
    sql: `SELECT coalesce(kept.name, sums.bucket) AS name FROM index_buckets AS kept FULL JOIN (
        SELECT bucket, count(*) AS artifacts, CAST(total(bytes) AS INTEGER) AS bytes FROM index_newest GROUP BY bucket
      ) AS sums ON kept.name = sums.bucket
      WHERE kept.artifacts IS NOT sums.artifacts OR kept.bytes IS NOT sums.bytes LIMIT ?`,
    line: (name) => `The sums of the bucket ${name} are wrong.`,
  },
  ...["index_words", "index_facts"].map((name) => ({
    sql: `SELECT newest.row_key AS name FROM index_newest AS newest
      WHERE newest.id NOT IN (SELECT id FROM ${name}_docsize) AND newest.id NOT IN (SELECT id FROM index_pending) LIMIT ?`,
    line: (row: string) => `${name} lacks the row ${row}.`,
  })),
];

/** Lines of `PRAGMA integrity_check` about the index. Their problems are repaired by making the index again. */
export const isAboutIndex = (line: string): boolean => /\bindex_(newest|buckets|pending|words|facts|by)/.test(line);

/** Implements `ArtifactIndex.checkIndex`. All statements must see the same state of the database. */
export function checkIndex(query: Query): string[] {
  const lost = lostIndexObjects(query);
  if (lost.length > 0) return lost.map((name) => `The database lacks ${name}, or has another one.`);
  const lines = query<{ integrity_check: string }>("PRAGMA integrity_check")
    .map((row) => row.integrity_check)
    .filter(isAboutIndex);
  for (const { sql, line } of comparisons) {
    const found = query<{ name: string }>(sql, [maxLines]);
    lines.push(...found.map(({ name }) => line(name.replaceAll("\t", " "))));
  }
  return lines.slice(0, maxLines);
}
