import { sha256Of } from "../../../store/model/artifact.js";
import { partsOf } from "../../../store/model/row-keys.js";
import { foldText } from "./fold-text.js";

/* The texts that the full-text tables of the index contain, and the queries that find them. */

/** What the index knows of an artifact beside numbers. */
export interface IndexedTexts {
  readonly row_key: string;
  /** JSON of an object. */
  readonly metadata: string;
}

/** Digits of a fact's digest. If two facts have the same digest, a search looks at a few artifacts too many. */
const digestChars = 12;
/** A longer word is not searched whole in the full-text table. */
const maxTrigramsOfWord = 16;

/** The metadata in the index. A damaged row may have values that are not texts. */
export function metadataOf({ metadata }: Pick<IndexedTexts, "metadata">): Readonly<Record<string, unknown>> {
  return JSON.parse(metadata);
}

/**
 * The folded text in which words are searched. A line break is between two fields, so no word matches across them.
 *
 * @param bucketPrefix the beginning of the bucket's name that is not searched
 */
export function searchedText(row: IndexedTexts, bucketPrefix = ""): string {
  const [, bucket = "", ...key] = partsOf(row.row_key);
  return foldText(
    [bucket.slice(bucketPrefix.length), key.join("\t"), ...Object.entries(metadataOf(row)).flat()].join("\n"),
  );
}

/** The facts of an artifact that a search can ask for exactly, as tokens: its media type and the pairs of its metadata. */
export function factTokens(row: IndexedTexts & { readonly mime_type: string }): string {
  const pairs = Object.entries(metadataOf(row)).map(([name, value]) => pairToken(name, String(value)));
  const [kind = ""] = row.mime_type.split("/");
  return [typeToken(row.mime_type), typeToken(`${kind}/*`), ...pairs].join(" ");
}

export const pairToken = (name: string, value: string): string => token("p", JSON.stringify([name, value]));
/** @param type in lower case, like `text/csv` or `text/*` */
export const typeToken = (type: string): string => token("t", type);

const token = (kind: string, fact: string): string => kind + sha256Of(fact).slice(0, digestChars);

/**
 * A query for texts that contain certain groups of three characters of all `words`; undefined if no word has three. It
 * finds every text that contains the words, and some others. Every second group is asked for, which takes half as long
 * as all, and finds few others. The last ones come first, because texts begin alike more often than they end alike.
 *
 * @param words folded
 */
export function trigramQuery(words: readonly string[]): string | undefined {
  const trigrams = new Set(
    words.flatMap((word) => everySecond(trigramsOf(word).slice(0, maxTrigramsOfWord))).reverse(),
  );
  if (trigrams.size === 0) return undefined;
  return [...trigrams].map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(" AND ");
}

/** Includes the first and the last item. */
const everySecond = <Item>(items: readonly Item[]): Item[] =>
  items.filter((_, n) => n % 2 === 0 || n === items.length - 1);

function trigramsOf(word: string): string[] {
  const points = [...word];
  return points.slice(2).map((_, n) => points.slice(n, n + 3).join(""));
}
