import { type SearchArtifacts, searchWords } from "../../store/artifacts/artifact-search.js";
import type { ArtifactStore } from "../../store/artifacts/artifact-store.js";
import { quote } from "../../store/model/quote.js";

type Wanted = Omit<SearchArtifacts, "limit" | "cursor">;
type Count = (wanted: Wanted) => Promise<Counted>;

interface Counted {
  readonly found: number;
  /** False if there may be more: a search looks at a limited number of artifacts. */
  readonly isAll: boolean;
}

/** The most words that are looked at one by one. */
const maxWords = 5;
/** Matches are counted up to this many. */
const maxCounted = 100;

/** The conditions that a search can do without. A range counts as one. */
const conditions: readonly (readonly [name: string, ...(keyof Wanted)[]])[] = [
  ["bucket", "bucket"],
  ["prefix", "prefix"],
  ["mime_type", "mime_type"],
  ["metadata", "metadata"],
  ["the times", "created_after", "created_before"],
  ["the sizes", "min_bytes", "max_bytes"],
];

/**
 * Says why a search finds nothing: which words no artifact has, or without which condition it would find some. It costs
 * a limited number of searches.
 *
 * @throws ArtifactError `bucket_not_found`
 */
export async function emptySearchHints(artifacts: ArtifactStore, wanted: Wanted): Promise<string[]> {
  const { bucket, query = "" } = wanted;
  if (bucket !== undefined) await artifacts.list({ bucket, limit: 1 }); // throws if there is no such bucket
  const words = searchWords(query);
  const count: Count = async (without) => {
    const { data, next_cursor } = await artifacts.search({ ...without, limit: maxCounted });
    return { found: data.length, isAll: next_cursor === undefined };
  };
  return (await missingWords(words, wanted, count)) ?? (await weakerSearches(words, wanted, count));
}

/** Undefined if each of the first words is a part of some artifact. */
async function missingWords(words: readonly string[], wanted: Wanted, count: Count): Promise<string[] | undefined> {
  const missing: string[] = [];
  for (const word of words.slice(0, maxWords)) {
    const { found, isAll } = await count({ query: word });
    if (found === 0 && isAll) missing.push(word);
  }
  if (missing.length === 0) return undefined;
  const rest = words.filter((word) => !missing.includes(word));
  const none = `No bucket, key or metadata has ${missing.map(quote).join(" or ")}.`;
  if (rest.length === 0) return [`${none} Content is not searched. A shorter part of a word finds more.`];
  const counted = await count({ ...wanted, query: rest.join(" ") });
  return [`${none} Without ${missing.length === 1 ? "it" : "them"} ${matches(counted)}.`];
}

async function weakerSearches(words: readonly string[], wanted: Wanted, count: Count): Promise<string[]> {
  const weaker: (readonly [name: string, wanted: Wanted])[] = [
    ...(words.length < 2 ? [] : words.slice(0, maxWords)).map(
      (word) => [quote(word), { ...wanted, query: words.filter((other) => other !== word).join(" ") }] as const,
    ),
    ...conditions
      .filter(([, ...names]) => names.some((name) => wanted[name] !== undefined))
      .map(
        ([name, ...names]) => [name, { ...wanted, ...Object.fromEntries(names.map((n) => [n, undefined])) }] as const,
      ),
  ];
  const hints: string[] = [];
  for (const [name, without] of weaker) {
    const counted = await count(without);
    if (counted.found > 0) hints.push(`Without ${name} ${matches(counted)}.`);
  }
  const isExact = wanted.metadata !== undefined;
  const exact = "Pairs of metadata are compared exactly, with case: query finds parts of names and values in any case.";
  return [...hints, ...(isExact ? [exact] : [])];
}

function matches({ found, isAll }: Counted): string {
  if (!isAll) return `${found} or more match`;
  return found === 1 ? "1 matches" : `${found} match`;
}
