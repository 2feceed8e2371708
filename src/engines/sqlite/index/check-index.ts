import type { Query } from "../database/connection.js";
import { failureOf } from "../database/sqlite-error.js";
import { lostIndexObjects } from "./make-index.js";
import { bucketSums, indexColumns } from "./schema.js";

const maxLines = 100;

/** Whether a row of the index is as the artifact's row says. */
const isSame = indexColumns.map((column) => `newest.${column} IS found.${column}`).join(" AND ");

/** Each statement finds names of what is wrong. Its parameter is the most of them. */
const comparisons: readonly { readonly sql: string; readonly line: (name: string) => string }[] = [
  {
    sql: `SELECT coalesce(found.row_key, newest.row_key) AS name
      FROM index_rows AS found FULL JOIN index_newest AS newest ON newest.row_key = found.row_key
      WHERE NOT (${isSame}) LIMIT ?`,
    line: (name) => `The index differs from the row ${name}.`,
  },
  {
    sql: `SELECT coalesce(kept.name, sums.bucket) AS name FROM index_buckets AS kept FULL JOIN (${bucketSums}) AS sums ON kept.name = sums.bucket
      WHERE kept.artifacts IS NOT sums.artifacts OR kept.bytes IS NOT sums.bytes OR kept.all_bytes IS NOT sums.all_bytes
      LIMIT ?`,
    line: (name) => `The sums of the bucket ${name} are wrong.`,
  },
  ...["index_words", "index_facts"].map((name) => ({
    sql: `SELECT newest.row_key AS name FROM index_newest AS newest
      WHERE newest.id NOT IN (SELECT id FROM ${name}_docsize) AND newest.id NOT IN (SELECT id FROM index_pending) LIMIT ?`,
    line: (row: string) => `${name} lacks the row ${row}.`,
  })),
];

/** Lines of `PRAGMA integrity_check` about the index. Their problems are repaired by making the index again. */
export const isAboutIndex = (line: string): boolean =>
  /\bindex_(newest|buckets|marks|edited|words|facts|by)/.test(line);

/**
 * Implements `ArtifactIndex.checkIndex`. All statements must see the same state of the database. Artifact rows that
 * cannot be read are in no index, and are no difference.
 */
export function checkIndex(query: Query): string[] {
  const lost = lostIndexObjects(query);
  if (lost.length > 0) return lost.map((name) => `The database lacks ${name}, or has another one.`);
  const damage = unlessCorrupt(() =>
    query<{ integrity_check: string }>("PRAGMA integrity_check").map((row) => row.integrity_check),
  );
  const differences = comparisons.flatMap(({ sql, line }) =>
    unlessCorrupt(() => query<{ name: string }>(sql, [maxLines]).map(({ name }) => line(name.replaceAll("\t", " ")))),
  );
  return [...damage.filter(isAboutIndex), ...differences].slice(0, maxLines);
}

/** Returns one line instead if the index is too damaged to be read, or has lost a part of a full-text table. */
function unlessCorrupt(find: () => string[]): string[] {
  try {
    return find();
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== "SQLITE_CORRUPT" && code !== "SQLITE_ERROR") throw error;
    return [`A part of the index_ tables cannot be read (${message}).`];
  }
}
