import { artifactKey, partsOf } from "../../../store/model/row-keys.js";
import type { FoundArtifact, SearchPage, SearchQuery } from "../../../store/ports/artifact-index.js";
import type { Query } from "../database/connection.js";
import { table } from "../database/keyv-rows.js";
import { allOf, type Clause } from "./clause.js";
import { rareCandidates } from "./search-candidates.js";
import { filtersOf, textCheckOf } from "./search-conditions.js";
import {
  comparePositions,
  decodePosition,
  encodePosition,
  orderedScan,
  type Position,
  positionOf,
  type SearchedRow,
} from "./search-orders.js";

/** The most artifacts that one page looks at in their order. */
const maxScanned = 3_000;
/** The first step of a scan reads this many artifacts beyond a page; each later step four times as many. */
const firstStep = 32;
const columns = "id, row_key, bytes, created_at, metadata";

/** Some rows in their order, and where the next page begins, if there may be more. */
interface FoundRows {
  readonly rows: readonly SearchedRow[];
  readonly next: Position | undefined;
}

/** Implements `ArtifactIndex.search`. All statements must see the same state of the database. */
export function searchIndex(query: Query, wanted: SearchQuery): SearchPage {
  const { bucket_prefix } = wanted;
  const after = wanted.after === undefined ? undefined : decodePosition(wanted.after, bucket_prefix);
  const candidates = rareCandidates(query, wanted);
  const { rows, next } =
    candidates === undefined ? scan(query, wanted, after) : choose(query, wanted, candidates, after);
  const found = withNewest(query, rows, bucket_prefix);
  return next === undefined ? { found } : { found, next: encodePosition(next, bucket_prefix) };
}

/** Looks at all candidates, and sorts those that match. */
function choose(query: Query, wanted: SearchQuery, candidates: Clause, after: Position | undefined): FoundRows {
  const { sql, values } = allOf([candidates, ...filtersOf(wanted)]);
  const isMatch = textCheckOf(wanted);
  const { order, limit } = wanted;
  const matches = query<SearchedRow>(`SELECT ${columns} FROM index_newest WHERE ${sql}`, values)
    .filter(isMatch)
    .map((row) => ({ row, position: positionOf(order, row) }))
    .filter(({ position }) => after === undefined || comparePositions(order, position, after) > 0)
    .sort((a, b) => comparePositions(order, a.position, b.position));
  const page = matches.slice(0, limit);
  const next = matches.length > limit ? page.at(-1)?.position : undefined;
  return { rows: page.map(({ row }) => row), next };
}

/** Looks at up to `maxScanned` artifacts in their order. */
function scan(query: Query, wanted: SearchQuery, after: Position | undefined): FoundRows {
  const { from, ranges, orderBy, ...order } = orderedScan(wanted);
  const { limit } = wanted;
  const start = after === undefined ? ranges : [...ranges, order.after(after)];
  const bounded = allOf(start);
  const [last] = query<Record<string, string | number>>(
    `SELECT ${order.columns} FROM ${from} WHERE ${bounded.sql} ORDER BY ${orderBy} LIMIT 1 OFFSET ${maxScanned - 1}`,
    bounded.values,
  );
  const end = last === undefined ? undefined : Object.values(last);
  const fixed = [...ranges, ...(end === undefined ? [] : [order.upTo(end)]), ...filtersOf(wanted)];
  const isMatch = textCheckOf(wanted);
  const found: SearchedRow[] = [];
  let position = after;
  for (let step = limit + firstStep; ; step *= 4) {
    const { sql, values } = allOf(position === undefined ? fixed : [...fixed, order.after(position)]);
    const rows = query<SearchedRow>(`SELECT ${columns} FROM ${from} WHERE ${sql} ORDER BY ${orderBy} LIMIT ?`, [
      ...values,
      step,
    ]);
    found.push(...rows.filter(isMatch));
    if (found.length > limit) return { rows: found.slice(0, limit), next: endOf(wanted, found[limit - 1]) };
    if (rows.length < step) return { rows: found, next: end };
    position = endOf(wanted, rows.at(-1));
  }
}

const endOf = ({ order }: SearchQuery, row: SearchedRow | undefined): Position | undefined =>
  row && positionOf(order, row);

/** Reads the newest versions of the found artifacts. */
function withNewest(query: Query, rows: readonly SearchedRow[], bucketPrefix = ""): FoundArtifact[] {
  const keys = JSON.stringify(rows.map(({ row_key }) => row_key));
  const stored = query<{ key: string; newest: string }>(
    `SELECT key, value -> '$.value.versions[0]' AS newest FROM ${table} WHERE key IN (SELECT value FROM json_each(?))`,
    [keys],
  );
  const newestOf = new Map(stored.map(({ key, newest }) => [key, newest]));
  return rows.map(({ row_key }) => {
    const [, bucket = ""] = partsOf(row_key);
    const key = row_key.slice(artifactKey(bucket, "").length);
    return { bucket: bucket.slice(bucketPrefix.length), key, newest: newestOf.get(row_key) ?? "" };
  });
}
