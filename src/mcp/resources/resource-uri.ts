import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { ArtifactError, type ErrorDetails } from "../../store/model/errors.js";
import { maxKeyBytes } from "../../store/model/limits.js";
import { decodePercent } from "../../store/model/names/artifact-uri.js";
import { checkBucket } from "../../store/model/names/bucket-name.js";
import { toKey } from "../../store/model/names/key-name.js";
import { quote } from "../../store/model/quote.js";
import { ProtocolError } from "../calls/protocol-error.js";

/** What a resource URI names. `offset` and `length` are bytes. */
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
 * No URI of this server is longer. A key that is not in NFC can take three times its bytes, and each byte takes three
 * characters. A cursor or numbers follow it.
 */
const maxUriChars = 9 * maxKeyBytes + 2_048;
/** An error repeats at most so many characters of a URI. */
const maxRepeatedChars = 2_048;

/** Whether a URI has a scheme of this server, or no scheme at all. */
export function isOwnUri(uri: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:/i.test(uri) || /^artifact(?:-upload)?:/i.test(uri);
}

/**
 * Reads a resource URI. As in RFC 3986, the fragment is split off first, then the query, and the rest is decoded once. A
 * URL parser would not do: it folds case, resolves `..` and drops characters.
 *
 * An encoded slash is a slash of the key, because hosts that fill a key into a template often encode all of it. Plain
 * non-ASCII characters are accepted. A subscriber is told of the URI in the spelling that it gave.
 *
 * @throws ProtocolError InvalidParams
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
 * The value that a host fills in for `{+key}`. That expansion (RFC 6570, section 3.2.3) leaves reserved characters and
 * `%XX` as they are. So the characters that would end the key, and `%XX`, are encoded here.
 */
export function toTemplateValue(key: string): string {
  return key.replace(/[?#]|%(?=[0-9A-Fa-f]{2})/g, encodeURIComponent);
}

/** Reverses `toTemplateValue`, also for the beginning of a value. */
export function fromTemplateValue(value: string): string {
  return value.replace(/%(?:3F|23|25)/gi, decodeURIComponent);
}

/** Reads the query. Each parameter in `known` may appear once, and no other parameter may. */
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

/** Turns a refusal by the store into a protocol error, which keeps the suggestion. */
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
    "a percent sign in it does not begin the code of a UTF-8 character; a plain percent sign is written %25",
  );
}

function invalid(uri: string, why: string, details: ErrorDetails = {}): ProtocolError {
  const forms = "artifact:///, artifact://{bucket} or artifact://{bucket}/{key}";
  const reason = why.endsWith(".") ? why : `${why}.`;
  return new ProtocolError(ErrorCode.InvalidParams, `The URI ${quote(uri)} is not valid: ${reason} Write ${forms}.`, {
    ...details,
    uri: uri.slice(0, maxRepeatedChars),
  });
}
