import { maxBucketChars } from "../limits.js";
import { describeCharacter } from "./characters.js";
import { invalidName } from "./invalid-name.js";

/** Parts of ASCII letters, digits, `_` and `-`, separated by single dots. Does not check the length. */
export const bucketPattern = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

export function isBucket(text: string): boolean {
  return text.length <= maxBucketChars && bucketPattern.test(text);
}

/** Whether a bucket name can begin with this text. True for the empty text. */
export function isBucketPrefix(text: string): boolean {
  const beginning = text.endsWith(".") ? text.slice(0, -1) : text;
  return text === "" || (text.length <= maxBucketChars && isBucket(beginning));
}

/** @throws ArtifactError `invalid_argument`, with a `suggestion` if there is one */
export function checkBucket(bucket: string, maxChars = maxBucketChars): void {
  const problem = bucketProblem(bucket, maxChars);
  if (problem !== undefined) throw invalidName("bucket", bucket, problem, suggestBucket(bucket, maxChars));
}

/** The valid bucket name that is nearest to the text. Undefined if the text has no letter or digit to keep. */
export function suggestBucket(text: string, maxChars = maxBucketChars): string | undefined {
  if (isBucket(text) && text.length <= maxChars) return text;
  const bucket = trimDots(
    text
      .slice(0, 16 * maxBucketChars)
      .normalize("NFKD")
      .replace(/\p{M}+/gu, "") // é becomes e
      .replace(/^[^A-Za-z0-9_.-]+|[^A-Za-z0-9_.-]+$/g, "")
      .replace(/[^A-Za-z0-9_.-]+/g, "-")
      .replace(/\.{2,}/g, "."),
  );
  const short = trimDots(bucket.slice(0, maxChars));
  return /[A-Za-z0-9]/.test(short) ? short : undefined;
}

function bucketProblem(text: string, maxChars: number): string | undefined {
  if (isBucket(text) && text.length <= maxChars) return undefined;
  if (text === "") return "it is empty";
  const other = /[^A-Za-z0-9_.-]/u.exec(text)?.[0];
  if (other !== undefined)
    return `it has ${describeCharacter(other)}, and a bucket has only letters (A-Z, a-z), digits, dots, hyphens and underscores`;
  if (text.length > maxChars) return `it has ${text.length} characters, and the limit is ${maxChars}`;
  if (text.startsWith(".")) return "it begins with a dot";
  return text.endsWith(".") ? "it ends with a dot" : "it has two dots in a row";
}

function trimDots(text: string): string {
  return text.replace(/^\.+|\.+$/g, "");
}
