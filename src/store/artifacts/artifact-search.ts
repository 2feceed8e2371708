import { type Artifact, checkMetadata, toArtifact } from "../model/artifact.js";
import { decodeCursor, encodeCursor, type Page, type PageOptions } from "../model/cursor.js";
import { ArtifactError } from "../model/errors.js";
import { isTypePattern } from "../model/formats/media-type.js";
import { checkBucket } from "../model/names/bucket-name.js";
import { toKeyPrefix } from "../model/names/key-name.js";
import { quote } from "../model/quote.js";
import { parseVersion } from "../model/records.js";
import { artifactKey } from "../model/row-keys.js";
import { type ArtifactIndex, SEARCH_ORDERS, type SearchConditions, type SearchOrder } from "../ports/artifact-index.js";
import type { TransferUrls } from "../ports/transfer-urls.js";

/** What to search for: an artifact must meet all that is given. */
export interface SearchArtifacts extends PageOptions, Omit<SearchConditions, "words"> {
  /**
   * Words, separated by white space. Each must be a part of the bucket, the key, or a name or a value of the metadata.
   * Quotation marks, commas and `*` around a word do not count.
   */
  readonly query?: string | undefined;
  /** `newest` by default. */
  readonly order?: SearchOrder | undefined;
}

export interface ArtifactSearchDependencies {
  readonly metadata: Pick<ArtifactIndex, "search">;
  readonly urls: TransferUrls;
  readonly nowSeconds: () => number;
}

/** In characters. It bounds the work of a search. */
const maxQueryChars = 1_000;

/**
 * The newest versions that meet all conditions. A page may be short, or empty, and still have a `next_cursor`.
 *
 * @throws ArtifactError `invalid_argument`; `corrupt` if the row of a found artifact cannot be read
 */
export async function searchArtifacts(
  { metadata, urls, nowSeconds }: ArtifactSearchDependencies,
  { query = "", order = "newest", limit, cursor, ...wanted }: SearchArtifacts,
): Promise<Page<Artifact>> {
  const words = searchWords(query);
  checkOrder(order);
  const conditions = toConditions(wanted);
  const scope = ["search", order, ...words, JSON.stringify(Object.entries(conditions).sort())];
  const after = decodeCursor(scope, cursor);
  const { found, next } = await metadata.search({ ...conditions, words, order, limit, after, now: nowSeconds() });
  const data = found.map(({ bucket, key, newest }) =>
    toArtifact(bucket, key, parseVersion({ key: artifactKey(bucket, key), text: newest }), urls),
  );
  return next === undefined ? { data } : { data, next_cursor: encodeCursor(scope, next) };
}

/**
 * The words of a query, as the index compares them.
 *
 * @throws ArtifactError `invalid_argument`
 */
export function searchWords(query: string): string[] {
  if (query.length > maxQueryChars)
    throw invalid("query", `is longer than ${maxQueryChars} characters: use fewer words`);
  if (!query.isWellFormed() || query.includes("\0")) {
    throw invalid("query", "has a NUL character or a lone surrogate, which no artifact's name has: remove it");
  }
  return query
    .split(/\s+/u)
    .map(bareWord)
    .filter((word) => word !== "");
}

/** What people and models write around a word, and do not mean as a part of it. */
const aroundWord = `"'\u201c\u201d\u2018\u2019\`,*`;

function bareWord(word: string): string {
  let [start, end] = [0, word.length];
  while (start < end && aroundWord.includes(word.charAt(start))) start += 1;
  while (end > start && aroundWord.includes(word.charAt(end - 1))) end -= 1;
  return word.slice(start, end);
}

function checkOrder(order: string): void {
  if (!SEARCH_ORDERS.some((known) => known === order)) {
    throw invalid("order", `is ${quote(order)}, and must be one of ${SEARCH_ORDERS.join(", ")}`);
  }
}

/** The conditions as the index compares them. Those that were not given are left out. */
function toConditions(wanted: Omit<SearchConditions, "words">): Omit<SearchConditions, "words"> {
  const { bucket, prefix, mime_type, metadata, ...ranges } = wanted;
  if (bucket !== undefined) checkBucket(bucket);
  if (mime_type !== undefined && !isTypePattern(mime_type)) {
    throw invalid(
      "mime_type",
      `is ${quote(mime_type)}, and must be a type like text/csv, or all of a kind like text/*`,
    );
  }
  if (metadata !== undefined) checkPairs(metadata);
  const numbers = ["created_after", "created_before", "min_bytes", "max_bytes"] as const;
  for (const name of numbers) checkCount(name, ranges[name]);
  return {
    ...(bucket === undefined ? {} : { bucket }),
    ...(prefix === undefined ? {} : { prefix: toKeyPrefix(prefix) }),
    ...(mime_type === undefined ? {} : { mime_type: mime_type.toLowerCase() }),
    ...(metadata === undefined ? {} : { metadata: Object.fromEntries(Object.entries(metadata).sort()) }),
    ...Object.fromEntries(numbers.flatMap((name) => (ranges[name] === undefined ? [] : [[name, ranges[name]]]))),
  };
}

function checkPairs(metadata: Readonly<Record<string, unknown>>): void {
  if (Object.values(metadata).some((value) => typeof value !== "string")) {
    throw invalid("metadata", 'must be an object of texts, like {"run": "17"}');
  }
  checkMetadata(metadata as Record<string, string>);
}

function checkCount(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return;
  const unit = name.startsWith("created") ? "seconds since 1970" : "bytes";
  throw invalid(name, `is ${value}, and must be a whole number of ${unit}, 0 or more`);
}

const invalid = (argument: string, problem: string): ArtifactError =>
  new ArtifactError("invalid_argument", `${argument} ${problem}.`, { details: { argument } });
