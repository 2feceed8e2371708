import { decodePercent } from "../../store/model/names/artifact-uri.js";
import { quote } from "../../store/model/quote.js";
import { HttpError } from "./http-error.js";

/** A request target: the segments of its path and the parameters of its query, percent-decoded once. */
export interface Target {
  readonly segments: readonly string[];
  /** The values of each parameter, in their order. There is more than one if it was repeated. */
  readonly query: ReadonlyMap<string, readonly [string, ...string[]]>;
}

/** Longer than any valid target: a long key that is not in NFC may need 9 characters for each of its bytes. */
const maxTargetChars = 12_288;

/**
 * Parses a request target. A URL parser cannot be used, because it resolves `..` and drops characters. Path and query
 * are split first, and then percent-decoded once. A percent-encoded slash becomes a slash of the key. Node has refused
 * non-ASCII characters before.
 *
 * @throws HttpError `invalid_argument`
 */
export function readTarget(url: string): Target {
  if (url.length > maxTargetChars)
    throw new HttpError("invalid_argument", `The URL is too long: it may have at most ${maxTargetChars} characters.`);
  const target = url.replace(/^https?:\/\/[^/?#]*/i, "");
  if (target.includes("#")) throw new HttpError("invalid_argument", "The URL has a #: write it as %23.");
  const [path = "", query = "", ...more] = target.split("?");
  if (more.length > 0) {
    throw new HttpError(
      "invalid_argument",
      "The URL has more than one question mark: write a question mark in a name as %3F.",
    );
  }
  return { segments: path.split("/").slice(1).map(decode), query: readQuery(query) };
}

function readQuery(text: string): Target["query"] {
  const query = new Map<string, [string, ...string[]]>();
  for (const part of text.split("&")) {
    if (part === "") continue;
    const [name = "", ...value] = part.replaceAll("+", " ").split("=");
    const [key, decoded] = [decode(name), decode(value.join("="))];
    const values = query.get(key);
    if (values === undefined) query.set(key, [decoded]);
    else values.push(decoded);
  }
  return query;
}

function decode(text: string): string {
  const decoded = decodePercent(text);
  if (decoded !== undefined) return decoded;
  throw new HttpError(
    "invalid_argument",
    `A percent sign in ${quote(text)} is not followed by the percent-encoding of a UTF-8 character: write a plain percent sign as %25.`,
  );
}
