import { quote } from "../store/model/artifact.js";
import { HttpError } from "./http-error.js";

/** What a request is for: segments of the path, decoded once, and parameters of the query. */
export interface Target {
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

/** Longer than any target of this server. */
const maxTargetChars = 8_192;

/**
 * Not by a URL parser, which resolves `..` and drops what it does not like.
 *
 * @throws HttpError `invalid_argument`
 */
export function readTarget(url: string): Target {
  if (url.length > maxTargetChars) throw new HttpError("invalid_argument", "The URL is too long.");
  const target = url.replace(/^https?:\/\/[^/?#]*/i, "");
  const [path = "", query = "", ...more] = target.split("?");
  if (more.length > 0) throw new HttpError("invalid_argument", "The URL has more than one question mark.");
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
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(
      "invalid_argument",
      `A percent sign in ${quote(text)} is not followed by the code of a UTF-8 character.`,
    );
  }
}
