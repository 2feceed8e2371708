import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { ArtifactError, type ErrorDetails } from "../../store/model/errors.js";
import { maxKeyBytes } from "../../store/model/limits.js";
import { decodePercent } from "../../store/model/names/artifact-uri.js";
import { checkBucket } from "../../store/model/names/bucket-name.js";
import { toKey } from "../../store/model/names/key-name.js";
import { quote } from "../../store/model/quote.js";

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

/**
 * Longer than any URI of this server. Outside NFC a key can take three times its bytes, each of them three characters;
 * a cursor or numbers come behind it.
 */
const maxUriChars = 9 * maxKeyBytes + 2_048;
/** An error repeats no more of a URI than this. */
const maxRepeatedChars = 2_048;

/** Whether a URI has one of our schemes, or none that could be another's. */
export function isOwnUri(uri: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:/i.test(uri) || /^artifact(?:-upload)?:/i.test(uri);
}

/**
 * Reads a resource URI: not with a URL parser, which folds case, resolves `..` and drops what it does not like.
 * RFC 3986: the fragment is split off first, then the query, and what is left is decoded once.
 *
 * A slash that was encoded is a slash of the key: hosts that fill a key into a template often encode all of it. Plain
 * non-ASCII characters are taken as they are. A subscriber hears of the URI that it gave, in whatever spelling.
 *
 * @throws McpError InvalidParams
 */
export function parseResourceUri(uri: string): ResourceAddress {
  if (uri.length > maxUriChars) throw invalid(uri, `it is longer than ${maxUriChars} characters`);
  if (uri.includes("#")) throw invalid(uri, "a fragment (#) names nothing here, and a key's own # is written %23");
  const [location = "", query, ...more] = uri.split("?");
  if (more.length > 0) throw invalid(uri, "it has more than one ?, and a key's own ? is written %3F");
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
  readName(uri, () => checkBucket(bucket));
  if (key === "") return { kind: "bucket", bucket, cursor: checkParameters(uri, query, ["cursor"]).get("cursor") };
  const storedKey = readName(uri, () => toKey(key));
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
    key: storedKey,
    version: number("version", 1),
    offset: number("offset", 0),
    length: number("length", 1),
  };
}

/**
 * What a host fills in for `{+key}`. That expansion (RFC 6570, section 3.2.3) encodes all but reserved characters and
 * `%XX`, so what would end the key or be decoded is encoded here.
 */
export function toTemplateValue(key: string): string {
  return key.replace(/[?#]|%(?=[0-9A-Fa-f]{2})/g, encodeURIComponent);
}

/** The reverse, also of a beginning. */
export function fromTemplateValue(value: string): string {
  return value.replace(/%(?:3F|23|25)/gi, decodeURIComponent);
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

/** A refusal of the store as one of the protocol, with its suggestion. */
function readName<Name>(uri: string, read: () => Name): Name {
  try {
    return read();
  } catch (error) {
    if (error instanceof ArtifactError) throw invalid(uri, `its ${error.message}`, error.details);
    throw error;
  }
}

function decode(uri: string, text: string): string {
  const decoded = decodePercent(text);
  if (decoded !== undefined) return decoded;
  throw invalid(
    uri,
    "a percent sign in it is not followed by the code of a UTF-8 character; a plain one is written %25",
  );
}

function invalid(uri: string, why: string, details: ErrorDetails = {}): McpError {
  const forms = "artifact:///, artifact://{bucket} or artifact://{bucket}/{key}";
  const reason = why.endsWith(".") ? why : `${why}.`;
  return new McpError(ErrorCode.InvalidParams, `The URI ${quote(uri)} is not valid: ${reason} Write ${forms}.`, {
    ...details,
    uri: uri.slice(0, maxRepeatedChars),
  });
}
