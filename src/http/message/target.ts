import { decodePercent } from "../../store/model/names/artifact-uri.js";
import { quote } from "../../store/model/quote.js";
import { HttpError } from "./http-error.js";

/** What a request is for: segments of the path, decoded once, and parameters of the query. */
export interface Target {
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

/** Longer than any target of this server: a long key that is not in NFC yet takes 9 characters a byte. */
const maxTargetChars = 12_288;

/**
 * Reads a request target: not with a URL parser, which resolves `..` and drops what it does not like. Path and query
 * are split first, then percent-decoded once. A slash that was encoded is a slash of the key. Node refuses plain
 * non-ASCII characters before.
 *
 * @throws HttpError `invalid_argument`
 */
export function readTarget(url: string): Target {
  if (url.length > maxTargetChars) throw new HttpError("invalid_argument", "The URL is too long.");
  const target = url.replace(/^https?:\/\/[^/?#]*/i, "");
  if (target.includes("#")) throw new HttpError("invalid_argument", "The URL has a #: write it as %23.");
  const [path = "", query = "", ...more] = target.split("?");
  if (more.length > 0) {
    throw new HttpError("invalid_argument", "The URL has more than one question mark: write those in a name as %3F.");
  }
  return { segments: path.split("/").slice(1).map(decode), query: readQuery(query) };
}

function readQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const part of text.split("&")) {
    if (part === "") continue;
    const [name = "", ...value] = part.replaceAll("+", " ").split("=");
    const key = decode(name);
    if (query.has(key)) throw new HttpError("invalid_argument", `Parameter ${quote(key)} is given twice.`);
    query.set(key, decode(value.join("=")));
  }
  return query;
}

function decode(text: string): string {
  const decoded = decodePercent(text);
  if (decoded !== undefined) return decoded;
  throw new HttpError(
    "invalid_argument",
    `A percent sign in ${quote(text)} is not followed by the code of a UTF-8 character: write a plain one as %25.`,
  );
}
