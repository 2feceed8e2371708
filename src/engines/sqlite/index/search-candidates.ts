import type { SearchQuery } from "../../../store/ports/artifact-index.js";
import type { Query } from "../database/connection.js";
import { allOf, type Clause, clause } from "./clause.js";
import { pendingCount } from "./feed-index.js";
import { foldText } from "./fold-text.js";
import { pairToken, trigramQuery, typeToken } from "./index-tokens.js";
import { rangesOf } from "./search-conditions.js";

/** A condition with fewer matches is answered by looking at all of them. */
const maxCandidates = 2_000;
/** With more pending artifacts, a search does not look at all of them. It then works without the full-text tables. */
const maxPending = 3_000;

/**
 * A condition that holds for every artifact that the search can find, and for fewer than 2,000 in all, without those
 * that are pending. Undefined if no condition of the search is that rare.
 */
export function rareCandidates(query: Query, wanted: SearchQuery): Clause | undefined {
  return rareTexts(query, wanted) ?? rareRange(query, wanted);
}

/** An artifact that is pending may have any text, so it is always a candidate. */
function rareTexts(query: Query, wanted: SearchQuery): Clause | undefined {
  const words = trigramQuery(
    [...wanted.words, ...(wanted.bucket === undefined ? [wanted.prefix ?? ""] : [])].map(foldText),
  );
  const facts = factQuery(wanted);
  if (words === undefined && facts === undefined) return undefined;
  if (pendingCount(query, maxPending) === maxPending) return undefined;
  const rareFacts = facts === undefined ? undefined : rareIds(query, "index_facts", facts);
  if (rareFacts?.length === 0) return among([]);
  const rareWords = words === undefined ? undefined : rareIds(query, "index_words", words);
  if (rareFacts === undefined || rareWords === undefined) {
    const ids = rareFacts ?? rareWords;
    return ids && among(ids);
  }
  const withFacts = new Set(rareFacts);
  return among(rareWords.filter((id) => withFacts.has(id)));
}

const among = (ids: readonly number[]): Clause =>
  clause("id IN (SELECT value FROM json_each(?) UNION SELECT id FROM index_pending)", JSON.stringify(ids));

function factQuery({ metadata = {}, mime_type }: SearchQuery): string | undefined {
  const pairs = Object.entries(metadata).map(([name, value]) => pairToken(name, value));
  const tokens = mime_type === undefined ? pairs : [...pairs, typeToken(mime_type.toLowerCase())];
  return tokens.length === 0 ? undefined : tokens.join(" AND ");
}

/** The ids that a full-text table finds; undefined if there are too many. */
function rareIds(query: Query, table: string, match: string): number[] | undefined {
  const sql = `SELECT rowid AS id FROM ${table} WHERE ${table} MATCH ? LIMIT ${maxCandidates}`;
  const found = query<{ id: number }>(sql, [match]);
  return found.length === maxCandidates ? undefined : found.map(({ id }) => id);
}

function rareRange(query: Query, wanted: SearchQuery): Clause | undefined {
  const { row, time, size } = rangesOf(wanted);
  return [row, time, size]
    .filter((clauses) => clauses.length > 0)
    .map(allOf)
    .find(({ sql, values }) => {
      const counted = `SELECT count(*) AS n FROM (SELECT 1 FROM index_newest WHERE ${sql} LIMIT ${maxCandidates})`;
      const [found] = query<{ n: number }>(counted, values);
      return (found?.n ?? 0) < maxCandidates;
    });
}
