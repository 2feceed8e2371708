import { ArtifactError } from "./errors.js";
import { maxBucketChars, maxKeyBytes } from "./limits.js";
import { maxQuotedChars, quote } from "./quote.js";

/*
 * Names of buckets and keys.
 *
 * A bucket is ASCII. A key is UTF-8 in NFC: two spellings of one text are one key. Its segments are separated by "/".
 * Names are ordered by their UTF-8 bytes.
 */

/** Parts of a bucket, separated by single dots. The length is checked apart. */
export const bucketPattern = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

/** A character that no key has: a control, a lone surrogate, a non-character, a bidirectional control, a backslash. */
const forbidden = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\p{Bidi_Control}\\]/u;
const everyForbidden = new RegExp(forbidden, "gu");
const forbiddenKinds: readonly (readonly [RegExp, string])[] = [
  [/\p{Cc}/u, "control character"],
  [/\p{Cs}/u, "lone surrogate"],
  [/\p{Noncharacter_Code_Point}/u, "non-character"],
  [/\p{Bidi_Control}/u, "bidirectional control"],
  [/\\/u, "backslash"],
];
const everyBidiControl = /\p{Bidi_Control}/gu;
/** Not what `trim` takes: that takes U+FEFF, which is no white space in Unicode, and leaves U+0085. */
const whiteSpace = /\p{White_Space}/u;

/** Text over this many code units is over the limit in NFC too, and costs no normalizing. */
const maxUnnormalizedChars = 8 * maxKeyBytes;

export function isBucket(text: string): boolean {
  return text.length <= maxBucketChars && bucketPattern.test(text);
}

/** Whether a bucket can begin with this text. The empty text counts. */
export function isBucketPrefix(text: string): boolean {
  const beginning = text.endsWith(".") ? text.slice(0, -1) : text;
  return text === "" || (text.length <= maxBucketChars && isBucket(beginning));
}

/** @throws ArtifactError `invalid_argument`, with a `suggestion` if there is one */
export function checkBucket(bucket: string): void {
  const problem = bucketProblem(bucket);
  if (problem !== undefined) throw invalid("bucket", bucket, problem, suggestBucket(bucket));
}

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
  const key = normalized(text);
  const problem = keyProblem(key);
  if (problem === undefined) return key;
  throw invalid("key", text, problem, suggestKey(text));
}

/**
 * The beginning of keys, in NFC. It may end anywhere in a key and may be empty. The rules on segments hold for those
 * that a slash ends.
 *
 * @throws ArtifactError `invalid_argument`, with a `suggestion` if there is one
 */
export function toKeyPrefix(text: string): string {
  const prefix = normalized(text);
  const problem = lengthProblem(prefix) ?? characterProblem(prefix) ?? segmentsProblem(prefix.split("/").slice(0, -1));
  if (problem === undefined) return prefix;
  throw invalid("prefix", text, problem, repair(text, { isPrefix: true }));
}

/**
 * A delimiter is one code point that a key can have, as it stands there after NFC.
 *
 * @throws ArtifactError `invalid_argument`, with a `suggestion` if there is one
 */
export function checkDelimiter(text: string): void {
  if (!isCodePoint(text)) {
    const composed = text.slice(0, maxQuotedChars).normalize("NFC");
    const isEnough = isCodePoint(composed) && !forbidden.test(composed);
    throw invalid("delimiter", text, "it must be exactly one character", isEnough ? composed : undefined);
  }
  const problem = characterProblem(text);
  if (problem !== undefined) throw invalid("delimiter", text, problem, undefined);
  const composed = text.normalize("NFC");
  if (composed === text) return;
  const why = `no key has ${nameOf(text)}, since keys are kept in NFC`;
  throw invalid("delimiter", text, why, isCodePoint(composed) ? composed : undefined);
}

/**
 * The nearest key that would do, or undefined if nothing is left of the text. A valid key comes back in NFC.
 *
 * Backslashes become slashes, other forbidden characters become `-`. Bidirectional controls, white space at the ends of
 * segments, and segments that are empty, `.` or `..` are left out. The end is cut off at a code point.
 */
export function suggestKey(text: string): string | undefined {
  return repair(text, { isPrefix: false });
}

/** The nearest bucket that would do, or undefined if no letter and no digit is left of the text. */
export function suggestBucket(text: string): string | undefined {
  if (isBucket(text)) return text;
  const bucket = withoutDotsAround(
    text
      .slice(0, 16 * maxBucketChars)
      .normalize("NFKD")
      .replace(/\p{M}+/gu, "") // é becomes e
      .replace(/^[^A-Za-z0-9_.-]+|[^A-Za-z0-9_.-]+$/g, "")
      .replace(/[^A-Za-z0-9_.-]+/g, "-")
      .replace(/\.{2,}/g, "."),
  );
  const short = withoutDotsAround(bucket.slice(0, maxBucketChars));
  return /[A-Za-z0-9]/.test(short) ? short : undefined;
}

/**
 * Compares names by their UTF-8 bytes, as `Buffer.compare` would, without encoding them. The names are well-formed.
 *
 * JavaScript compares code units, and so puts U+10000 and above before U+E000.
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [unitOfA, unitOfB] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (unitOfA !== unitOfB) return rankOf(unitOfA) - rankOf(unitOfB);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all single units, so they rank above them. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function normalized(text: string): string {
  return text.length > maxUnnormalizedChars ? text : text.normalize("NFC");
}

function bucketProblem(text: string): string | undefined {
  if (isBucket(text)) return undefined;
  if (text === "") return "it is empty";
  const other = /[^A-Za-z0-9_.-]/u.exec(text)?.[0];
  if (other !== undefined) return `it has ${nameOf(other)}, and a bucket has only A-Z a-z 0-9 _ - .`;
  if (text.length > maxBucketChars) return `it has ${text.length} characters, and ${maxBucketChars} are the most`;
  if (text.startsWith(".")) return "it begins with a dot";
  return text.endsWith(".") ? "it ends with a dot" : "it has two dots in a row";
}

function keyProblem(text: string): string | undefined {
  if (text === "") return "it is empty";
  return lengthProblem(text) ?? characterProblem(text) ?? segmentsProblem(text.split("/"));
}

function lengthProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  return bytes > maxKeyBytes ? `it has ${bytes} bytes of UTF-8, and ${maxKeyBytes} are the most` : undefined;
}

function characterProblem(text: string): string | undefined {
  const character = forbidden.exec(text)?.[0];
  return character === undefined ? undefined : `it has ${nameOf(character)}`;
}

function segmentsProblem(segments: readonly string[]): string | undefined {
  for (const [index, segment] of segments.entries()) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) return `its segment ${index + 1} ${problem}`;
  }
  return undefined;
}

function segmentProblem(segment: string): string | undefined {
  if (segment === "") return "is empty (a slash stands at an end, or beside another)";
  if (segment === "." || segment === "..") return `is ${quote(segment)}`;
  const [first, last] = [segment.charAt(0), segment.charAt(segment.length - 1)];
  if (whiteSpace.test(first)) return `begins with white space (${codeOf(first)})`;
  return whiteSpace.test(last) ? `ends with white space (${codeOf(last)})` : undefined;
}

/** Cleaning comes again after the cut, which can bare white space or a dot. It leaves NFC as it is. */
function repair(text: string, options: { readonly isPrefix: boolean }): string | undefined {
  const clear = text.slice(0, maxUnnormalizedChars).replace(everyBidiControl, "").normalize("NFC");
  const name = cleanSegments(cutBytes(cleanSegments(clear, options), maxKeyBytes), options);
  return name === "" ? undefined : name;
}

function cleanSegments(text: string, { isPrefix }: { readonly isPrefix: boolean }): string {
  const segments = text.replaceAll("\\", "/").split("/");
  // The last segment of a prefix goes on in the keys, so only its characters are looked at.
  const open = isPrefix ? [segments.pop() ?? ""] : [];
  const whole = segments.map(trimWhiteSpace).filter((segment) => !["", ".", ".."].includes(segment));
  return [...whole, ...open].join("/").replace(everyForbidden, "-");
}

function trimWhiteSpace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && whiteSpace.test(text.charAt(start))) start += 1;
  while (end > start && whiteSpace.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Cuts at a code point. */
function cutBytes(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && isContinuation(all[end])) end -= 1;
  return all.toString("utf8", 0, end);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function withoutDotsAround(text: string): string {
  return text.replace(/^\.+|\.+$/g, "");
}

function isCodePoint(text: string): boolean {
  const code = text.codePointAt(0);
  return code !== undefined && String.fromCodePoint(code) === text;
}

/** Like `the control character U+0007`, or `the character "é" (U+00E9)`. */
function nameOf(character: string): string {
  const kind = forbiddenKinds.find(([pattern]) => pattern.test(character))?.[1];
  if (kind !== undefined) return `the ${kind} ${codeOf(character)}`;
  return `the character ${quote(character)} (${codeOf(character)})`;
}

function codeOf(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return `U+${hex.padStart(4, "0")}`;
}

const isOptional = (argument: string): boolean => argument === "prefix" || argument === "delimiter";

function invalid(argument: string, text: string, problem: string, suggestion: string | undefined): ArtifactError {
  const orNone = isOptional(argument) ? ", or leave it out" : "";
  const message = `${argument} ${quote(text)} is not valid: ${problem}${orNone}.`;
  if (suggestion === undefined) return new ArtifactError("invalid_argument", message, { details: { argument } });
  // What is cut would be another name.
  const would = suggestion.length > maxQuotedChars ? "The suggestion beside this message" : quote(suggestion);
  return new ArtifactError("invalid_argument", `${message} ${would} would do.`, { details: { argument, suggestion } });
}
