import { maxKeyBytes } from "../limits.js";
import { maxQuotedChars, quote } from "../quote.js";
import { codePointName, describeCharacter, forbidden, isCodePoint, whiteSpace } from "./characters.js";
import { invalidName } from "./invalid-name.js";
import { normalize } from "./normalize.js";
import { suggestKey, suggestKeyPrefix } from "./suggest-key.js";

/*
 * A key is UTF-8 in NFC, so two spellings of one text are one key. "/" separates its segments. Keys, and buckets too,
 * are ordered by their UTF-8 bytes.
 */

/** Whether the text is a key as the store keeps it: valid, and in NFC. */
export function isKey(text: string): boolean {
  return keyProblem(text) === undefined && text.normalize("NFC") === text;
}

/**
 * The key in NFC.
 *
 * @throws ArtifactError `invalid_argument`, with a `suggestion` if there is one
 */
export function toKey(text: string): string {
  const key = normalize(text);
  const problem = keyProblem(key);
  if (problem === undefined) return key;
  throw invalidName("key", text, problem, suggestKey(text));
}

/**
 * The beginning of keys, in NFC. It may be empty, and it may end anywhere in a key. Only segments that end with a slash
 * must keep the rules for segments.
 *
 * @throws ArtifactError `invalid_argument`, with a `suggestion` if there is one
 */
export function toKeyPrefix(text: string): string {
  const prefix = normalize(text);
  const problem = lengthProblem(prefix) ?? characterProblem(prefix) ?? segmentsProblem(prefix.split("/").slice(0, -1));
  if (problem === undefined) return prefix;
  throw invalidName("prefix", text, problem, suggestKeyPrefix(text));
}

/**
 * Checks a delimiter: one code point that a key can have, in the form that it has after NFC.
 *
 * @throws ArtifactError `invalid_argument`, with a `suggestion` if there is one
 */
export function checkDelimiter(text: string): void {
  if (!isCodePoint(text)) {
    const composed = text.slice(0, maxQuotedChars).normalize("NFC");
    const isEnough = isCodePoint(composed) && !forbidden.test(composed);
    throw invalidName("delimiter", text, "it must be exactly one character", isEnough ? composed : undefined);
  }
  const problem = characterProblem(text);
  if (problem !== undefined) throw invalidName("delimiter", text, problem, undefined);
  const composed = text.normalize("NFC");
  if (composed === text) return;
  const why = `no key has ${describeCharacter(text)}, since keys are kept in NFC`;
  throw invalidName("delimiter", text, why, isCodePoint(composed) ? composed : undefined);
}

function keyProblem(text: string): string | undefined {
  if (text === "") return "it is empty";
  return lengthProblem(text) ?? characterProblem(text) ?? segmentsProblem(text.split("/"));
}

function lengthProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  return bytes > maxKeyBytes ? `it has ${bytes} bytes of UTF-8, and the limit is ${maxKeyBytes}` : undefined;
}

function characterProblem(text: string): string | undefined {
  const character = forbidden.exec(text)?.[0];
  return character === undefined ? undefined : `it has ${describeCharacter(character)}`;
}

function segmentsProblem(segments: readonly string[]): string | undefined {
  for (const [index, segment] of segments.entries()) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) return `its segment ${index + 1} ${problem}`;
  }
  return undefined;
}

function segmentProblem(segment: string): string | undefined {
  if (segment === "") return "is empty (there is a slash at the beginning or end, or two slashes in a row)";
  if (segment === "." || segment === "..") return `is ${quote(segment)}`;
  const [first, last] = [segment.charAt(0), segment.charAt(segment.length - 1)];
  if (whiteSpace.test(first)) return `begins with white space (${codePointName(first)})`;
  return whiteSpace.test(last) ? `ends with white space (${codePointName(last)})` : undefined;
}
