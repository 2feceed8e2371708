import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { isBucket, isKey, quote } from "../../store/model/artifact.js";

/** What a resource URI names. Numbers are bytes, but for `version`. */
export type ResourceAddress =
  | { readonly kind: "root"; readonly cursor: string | undefined }
  | { readonly kind: "bucket"; readonly bucket: string; readonly cursor: string | undefined }
  | {
      readonly kind: "artifact";
      readonly bucket: string;
      readonly key: string;
      readonly version: number | undefined;
      readonly offset: number | undefined;
      readonly length: number | undefined;
    }
  | { readonly kind: "upload"; readonly id: string };

export const rootUri = "artifact:///";
export const bucketUri = (bucket: string): string => `artifact://${bucket}`;

/** Longer than any URI of this server: the longest key, and a cursor or numbers behind it. */
const maxUriChars = 2_048;

/** Whether a URI has one of our schemes, or none that could be another's. */
export function isOwnUri(uri: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:/i.test(uri) || /^artifact(?:-upload)?:/i.test(uri);
}

/**
 * Reads a resource URI: not with a URL parser, which folds case, resolves `..` and drops what it does not like.
 * RFC 3986: the fragment is split off first, then the query, and what is left is decoded once.
 *
 * @throws McpError InvalidParams
 */
export function parseResourceUri(uri: string): ResourceAddress {
  if (uri.length > maxUriChars) throw invalid(uri, `it is longer than ${maxUriChars} characters`);
  if (uri.includes("#")) throw invalid(uri, "a fragment (#) names nothing here");
  const [location = "", query, ...more] = uri.split("?");
  if (more.length > 0) throw invalid(uri, "it has more than one ?");
  const upload = /^artifact-upload:\/\/([^/]*)$/.exec(location);
  if (upload) {
    checkParameters(uri, query, []);
    return { kind: "upload", id: decode(uri, upload[1] ?? "") };
  }
  const [, authority = "", path = ""] = /^artifact:\/\/([^/]*)(?:\/(.*))?$/s.exec(location) ?? [];
  if (!location.startsWith("artifact://")) throw invalid(uri, `it must begin with artifact:// or artifact-upload://`);
  return addressOf(uri, decode(uri, authority), decode(uri, path), query);
}

function addressOf(uri: string, bucket: string, key: string, query: string | undefined): ResourceAddress {
  if (bucket === "" && key === "") {
    return { kind: "root", cursor: checkParameters(uri, query, ["cursor"]).get("cursor") };
  }
  if (!isBucket(bucket)) throw invalid(uri, "its bucket is not valid: 1 to 63 characters of A-Z a-z 0-9 _ -");
  if (key === "") return { kind: "bucket", bucket, cursor: checkParameters(uri, query, ["cursor"]).get("cursor") };
  if (!isKey(key)) {
    throw invalid(uri, 'its key is not valid: 1 to 512 of A-Z a-z 0-9 _ - . / without empty, "." or ".." segments');
  }
  const parameters = checkParameters(uri, query, ["version", "offset", "length"]);
  const number = (name: string, least: number): number | undefined => {
    const text = parameters.get(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw invalid(uri, `${name} must be a whole number from ${least}`);
  };
  return {
    kind: "artifact",
    bucket,
    key,
    version: number("version", 1),
    offset: number("offset", 0),
    length: number("length", 1),
  };
}

/** Each parameter of `known` at most once, and no other. */
function checkParameters(uri: string, query: string | undefined, known: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query === undefined || query === "" ? [] : query.split("&")) {
    const at = part.indexOf("=");
    const name = decode(uri, at < 0 ? part : part.slice(0, at));
    if (!known.includes(name)) {
      const allowed = known.length === 0 ? "it takes no parameters" : `it takes ${known.join(", ")}`;
      throw invalid(uri, `parameter ${quote(name)} is unknown: ${allowed}`);
    }
    if (parameters.has(name)) throw invalid(uri, `parameter ${name} is given twice`);
    parameters.set(name, at < 0 ? "" : decode(uri, part.slice(at + 1)));
  }
  return parameters;
}

function decode(uri: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(uri, "a percent sign in it is not followed by the code of a UTF-8 character");
  }
}

function invalid(uri: string, why: string): McpError {
  const forms = "artifact:///, artifact://{bucket} or artifact://{bucket}/{key}";
  return new McpError(ErrorCode.InvalidParams, `The URI ${quote(uri)} is not valid: ${why}. Write ${forms}.`, {
    uri: uri.slice(0, maxUriChars),
  });
}
